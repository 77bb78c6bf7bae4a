// Calls of the page to the service, as the user who opened it.

/** A refusal; `isFinal`: asking again is of no use; `code`: like `grant-missing`. */
class Refusal extends Error {
  constructor({ message, error = 'http-error' }, status) {
    super(message)
    this.code = error.toLowerCase().replaceAll('_', '-')
    this.isFinal = [401, 403, 404].includes(status)
  }
}

export function serviceOf({ documentUrl, pageToken }) {
  async function call(method, path, body) {
    const isForm = body instanceof FormData
    const response = await fetch(documentUrl + path, {
      method,
      headers: {
        Authorization: `Bearer ${pageToken}`,
        ...(body === undefined || isForm ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    })
    if (response.status === 204) return undefined
    // What stands between us and the service answers in HTML.
    const answer = await response.json().catch(() => ({ message: `HTTP ${response.status}` }))
    if (!response.ok) throw new Refusal(answer, response.status)
    return answer
  }

  const withQuery = (path, query) => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
    return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
  }

  return {
    get: (path, query = {}) => call('GET', withQuery(path, query)),
    post: (path, body = {}) => call('POST', path, body),
    freshConfig: async () => (await call('GET', '/refresh')).config,
    eventsUrl: `${documentUrl}/events?t=${encodeURIComponent(pageToken)}`,
  }
}
