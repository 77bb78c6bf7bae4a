// Calls of the pages to the REST API, as the signed-in administrator.

export const page = JSON.parse(document.getElementById('page').textContent)

/** What the service refused, with its stable code. */
export class Refusal extends Error {
  constructor({ detail, title, code, errors }, status) {
    super(detail ?? title ?? `The service answered ${status}`)
    this.code = code
    this.status = status
    /** Words by field, if fields are at fault. */
    this.errors = errors
  }
}

/** @throws Error in plain words when nothing answers; browsers name it each in their own way */
export async function reach(url, request) {
  try {
    return await fetch(url, request)
  } catch (cause) {
    if (cause.name === 'AbortError') throw cause
    throw new Error('The service does not answer: try again in a moment', { cause })
  }
}

/** @param path below `/api`, as `/documents/…` */
export async function call(method, path, body, { headers = {}, signal } = {}) {
  const isJson = body !== undefined && !(body instanceof FormData)
  const response = await reach(`${page.basePath}/api${path}`, {
    method,
    signal,
    headers: {
      'X-Requested-With': 'XMLHttpRequest',
      ...(method === 'GET' ? {} : { 'X-CSRF-Token': page.csrfToken }),
      ...(isJson ? { 'Content-Type': 'application/json' } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
  })
  if (response.status === 204) return undefined
  // What stands between us and the service answers in HTML.
  const answer = await response.json().catch(() => ({}))
  if (response.status === 401) location.assign(`${page.basePath}/`)
  if (!response.ok) throw new Refusal(answer, response.status)
  return answer
}
