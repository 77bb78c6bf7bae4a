import type { Config } from './config.ts'

/** Where we and Document Server are, by whom asked. No trailing slashes. */
export type Addresses = {
  /** Ours, for browsers. */
  publicUrl: string
  /** Ours, for Document Server. */
  internalUrl: string
  /** Document Server's, for browsers; undefined when none is configured. */
  docServerUrl: string | undefined
}

export type ServiceAddresses = Addresses & { localUrl: string; docServerInternalUrl: string }

/** All addresses in play once the port is known. */
export function addressesOf(config: Config, port: number): ServiceAddresses {
  const host = ['0.0.0.0', '::'].includes(config.HOST) ? '127.0.0.1' : config.HOST
  const localUrl = `http://${host.includes(':') ? `[${host}]` : host}:${port}${config.BASE_PATH}`
  const publicUrl = config.PUBLIC_URL ?? `http://localhost:${port}${config.BASE_PATH}`
  // Document Server on this machine reaches us here; elsewhere PUBLIC_URL or INTERNAL_URL is set.
  const internalUrl = config.INTERNAL_URL ?? (config.isEmulated ? localUrl : publicUrl)
  const docServerUrl = config.ONLYOFFICE_URL ?? (config.isEmulated ? `${publicUrl}/emulator` : undefined)
  const docServerInternalUrl =
    config.ONLYOFFICE_INTERNAL_URL ?? (config.isEmulated ? `${localUrl}/emulator` : (docServerUrl ?? ''))
  return { localUrl, publicUrl, internalUrl, docServerUrl, docServerInternalUrl }
}
