import { NutoError } from './nuto-error.ts'

export type EmbedPermission = 'view' | 'edit' | 'comment'

/** A document at a service. */
export type Target = {
  /** Of the service, with its sub-path and without a slash at the end. */
  baseUrl: string
  documentId: string
  token: string
}

const ALL: readonly EmbedPermission[] = ['view', 'edit', 'comment']

/**
 * The token that opens the editor's page: an embed token is one already, a bearer of the API gets one
 * made. Somebody who may only read gets one for reading.
 *
 * @throws NutoError
 */
export async function embedTokenFor(
  { baseUrl, documentId, token }: Target,
  {
    permissions = ALL,
    signal,
  }: { permissions?: readonly EmbedPermission[] | undefined; signal: AbortSignal },
): Promise<string> {
  if (audienceOf(token) === 'embed') return token
  const ask = (granted: readonly EmbedPermission[]) =>
    fetchAs(token, `${baseUrl}/api/embed`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ documentId, permissions: granted }),
      signal,
    })
  const answer = await ask(permissions)
  const made = answer.status === 403 ? await ask(['view']) : answer
  if (!made.ok) throw await faultIn(made)
  return (await made.json()).token
}

/**
 * Why a page does not open, as far as the service says.
 *
 * @returns undefined when it opens documents for this token
 * @throws NutoError `network-error`
 */
export async function refusalFor({ baseUrl, documentId, token }: Target): Promise<NutoError | undefined> {
  const path = `/api/onlyoffice/documents/${encodeURIComponent(documentId)}/users?c=info`
  const answer = await fetchAs(token, baseUrl + path, {})
  return answer.ok ? undefined : faultIn(answer)
}

async function fetchAs(token: string, url: string, init: RequestInit): Promise<Response> {
  const headers = { ...init.headers, Authorization: `Bearer ${token}` }
  try {
    return await fetch(url, { ...init, headers, credentials: 'omit', referrerPolicy: 'no-referrer' })
  } catch (cause) {
    throw new NutoError('network-error', `${new URL(url).origin} cannot be reached: ${String(cause)}`)
  }
}

/** The API answers with `code` and `detail`, the endpoints of the editor with `error` and `message`. */
async function faultIn(answer: Response): Promise<NutoError> {
  const { code, error, detail, message, title } = await answer.json().catch(() => ({}))
  const name = code ?? error
  return new NutoError(
    typeof name === 'string' ? name.toLowerCase().replaceAll('_', '-') : 'http-error',
    String(detail ?? message ?? title ?? `HTTP ${answer.status}`),
  )
}

/** `aud` of a JWT, unverified: only the service can tell whether it is a good one. Source: RFC 7519 §4.1.3. */
function audienceOf(token: string): unknown {
  const [, payload = ''] = token.split('.')
  try {
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))).aud
  } catch {
    return undefined
  }
}
