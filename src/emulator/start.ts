import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { Emulator } from './emulator.ts'
import type { EmulatorOptions } from './types.ts'

/** Known to everybody, so good for development and tests alone. */
export const DEVELOPMENT_SECRET = 'emulator-development-secret-0123456789'

/**
 * An emulator with a server of its own on 127.0.0.1; port 0 (default) takes a free one.
 *
 * @param options.tls PEM; it then speaks https
 */
export async function startEmulator(
  options: Partial<EmulatorOptions> & { port?: number; tls?: { key: string; cert: string } } = {},
): Promise<Emulator & { url: string }> {
  const app = express().disable('x-powered-by')
  const server = options.tls === undefined ? createServer(app) : createTlsServer(options.tls, app)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const emulator = new Emulator({
    ...options,
    secret: options.secret ?? DEVELOPMENT_SECRET,
    publicUrl: options.publicUrl ?? url,
  })
  app.use(emulator.router)
  const closeEmulator = emulator.close.bind(emulator)
  const close = async () => {
    await closeEmulator()
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return Object.assign(emulator, { url, close })
}
