import type { TestApp } from '../support/app.ts'

/** The page token of a guest who came by a link with these grants. */
export async function guestTokenOf(
  app: TestApp,
  documentId: string,
  grants = ['view', 'comment', 'edit', 'protect', 'fillForms'],
): Promise<string> {
  const made = await app.fetch(`/api/documents/${documentId}/links`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grants }),
  })
  const { url } = (await made.json()) as { url: string }
  const address = `${app.url}${new URL(url).pathname}`
  const named = await fetch(address, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ name: 'Passer-by' }),
  })
  const cookie = named.headers.get('set-cookie')?.split(';')[0] ?? ''
  const html = await (await fetch(address, { headers: { cookie } })).text()
  return /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
}

/** The config inside an opened page. */
export function configIn(html: string) {
  const page = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(html)?.[1]
  return JSON.parse(page ?? '{}').config
}

export async function putPeople(app: TestApp, people: Record<string, object>): Promise<void> {
  for (const [id, fields] of Object.entries(people)) {
    const response = await app.fetch(`/api/users/${id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: id, ...fields }),
    })
    if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`)
  }
}
