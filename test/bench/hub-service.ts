import { DEFAULT_WORKSPACE_ID } from '../../src/metadata/schema.ts'
import { type BenchService, serviceEnv, startService } from './service.ts'

export type HubService = BenchService & {
  /** @returns its id */
  newDocument(): Promise<string>
}

/** The service with the hub's limits out of the way, and with a token that may join. */
export async function hubService(
  dataDir: string,
  docServerPort: number,
  engines: Record<string, string> = {},
): Promise<HubService> {
  const env = { ...engines, HUB_MESSAGES_PER_S: '1000000', HUB_CLIENT_MESSAGES_PER_S: '1000000' }
  const service = await startService({ dataDir, docServerPort, env })
  const post = async (path: string, body: object, bearer = '') => {
    const response = await fetch(`http://127.0.0.1:${service.port}/api${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Record<string, string>
  }
  const key = {
    name: 'hub',
    permissions: ['documents:read', 'documents:write', 'collaboration:join'],
    // What one start stored the next one sees.
    workspaceId: DEFAULT_WORKSPACE_ID,
  }
  const { ADMIN_TOKEN } = serviceEnv(dataDir, docServerPort)
  const { apiKey, secret } = await post('/auth/api-keys', key, ADMIN_TOKEN)
  const { token = '' } = await post('/auth/token', { apiKey, secret })
  return {
    ...service,
    token,
    async newDocument() {
      const { id = '' } = await post('/documents', { title: 'Notes', type: 'Docs', format: 'DOCX' }, token)
      return id
    },
  }
}
