import type { ServiceAddresses } from '../addresses.ts'
import type { Config } from '../config.ts'
import { type DocServerOptions, HttpDocServer } from './client.ts'
import type { DocServerTokens } from './tokens.ts'

/** The client of the Document Server that the settings name; undefined when they name none. */
export function docServerOf(
  config: Config,
  { docServerUrl, docServerInternalUrl }: ServiceAddresses,
  tokens: DocServerTokens,
  agents?: DocServerOptions['agents'],
): HttpDocServer | undefined {
  if (docServerUrl === undefined) return undefined
  return new HttpDocServer({
    addresses: {
      publicUrl: docServerUrl,
      internalUrl: docServerInternalUrl,
      otherOrigins: config.DOWNLOAD_ORIGINS,
    },
    tokens,
    header: config.ONLYOFFICE_JWT_HEADER,
    caFile: config.ONLYOFFICE_CA_FILE,
    commandTimeoutS: config.COMMAND_TIMEOUT_S,
    stallS: config.DOWNLOAD_STALL_S,
    ...(agents === undefined ? {} : { agents }),
  })
}
