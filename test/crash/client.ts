import { setTimeout as delay } from 'node:timers/promises'
import type { SignedConfig } from '../../src/emulator/types.ts'

/** Between two tries; a service that starts needs the processor itself. */
export const AGAIN_AFTER_MS = 100

/** A client that does not mind a service that is down: it asks again until it is up, or the test is over. */
export type PatientClient = {
  url: string
  /** Undefined when the connection broke: whether the service took it, nobody knows. */
  upload(name: string, bytes: Buffer): Promise<string | undefined>
  config(documentId: string): Promise<SignedConfig>
  download(documentId: string): Promise<Buffer>
}

export function patientClient(
  url: string,
  headers: { authorization: string },
  over: AbortSignal,
): PatientClient {
  async function get<T>(path: string, read: (response: Response) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const response = await fetch(`${url}${path}`, { headers, signal: over })
        if (response.ok) return await read(response)
        // 503: a final save is under way. 502, 504: a proxy whose node has died.
        if (![502, 503, 504].includes(response.status))
          throw new UnexpectedAnswer(`GET ${path} answered ${response.status}`)
      } catch (error) {
        if (error instanceof UnexpectedAnswer || over.aborted) throw error
      }
      await delay(AGAIN_AFTER_MS, undefined, { signal: over })
    }
  }
  return {
    url,
    async upload(name, bytes) {
      const form = new FormData()
      form.append('file', new Blob([new Uint8Array(bytes)]), name)
      try {
        const response = await fetch(`${url}/api/documents/upload`, { method: 'POST', headers, body: form })
        // Refused, or behind a proxy whose node has died.
        if ([502, 503, 504].includes(response.status)) throw new Error(`answered ${response.status}`)
        if (response.status !== 201) throw new UnexpectedAnswer(`upload answered ${response.status}`)
        return ((await response.json()) as { id: string }).id
      } catch (error) {
        if (error instanceof UnexpectedAnswer) throw error
        await delay(AGAIN_AFTER_MS)
        return undefined
      }
    },
    config: (id) =>
      get(`/api/onlyoffice/config/${id}?userId=ann`, async (response) => {
        const { config, token } = (await response.json()) as { config: SignedConfig; token: string }
        return { ...config, token }
      }),
    download: (id) =>
      get(`/api/documents/${id}/download`, async (response) => Buffer.from(await response.arrayBuffer())),
  }
}

class UnexpectedAnswer extends Error {}
