import { forwardedFix } from './between.ts'
import { type Check, failed, passed, unlooked } from './check.ts'
import { allowsFraming } from './content-policy.ts'
import type { Run } from './parts.ts'
import { inWords, type Outcome } from './requests.ts'

const EDITOR_PAGE = '/web-apps/apps/documenteditor/main/index.html'

/**
 * The page of the editor: Document Server sends browsers on to the folder of its version, at the address
 * that it takes for its own, and that page must let itself be framed by ours.
 *
 * @param base where it can be looked at from here
 * @returns a failure of `mixed-content` when a secure page would load the editor by http
 */
export async function frameCheck(run: Run, base: string, docServerUrl: string): Promise<Check> {
  const id = 'editor-frame'
  const first = base + EDITOR_PAGE
  const outcome = await load(run, first)
  const next = redirectOf(first, outcome)
  if (next === undefined) return framing(run, first, { outcome, docServerUrl, fix: PASS_FIX })

  const fix = forwardedFix('ONLYOFFICE_URL')
  const evidence = `${first} leads browsers to ${next.origin}${next.pathname}`
  if (base.startsWith('https:') && next.protocol === 'http:') return failed('mixed-content', evidence, fix)
  if (next.origin !== new URL(base).origin) return failed(id, evidence, fix)
  return framing(run, next.href, { outcome: await load(run, next.href), docServerUrl, fix })
}

const PASS_FIX = 'Let the proxy before ONLYOFFICE_URL pass everything below /web-apps/, as it passes api.js.'

function load({ send, limits }: Run, url: string): Promise<Outcome> {
  return send(url, { trust: 'ours', limitMs: limits.requestMs })
}

function redirectOf(url: string, { answer }: Outcome): URL | undefined {
  const location = answer?.headers.location
  const isRedirect = answer !== undefined && answer.status >= 300 && answer.status <= 399
  return isRedirect && location !== undefined && URL.canParse(location, url)
    ? new URL(location, url)
    : undefined
}

/** @param fix for a page that is not there */
function framing(
  run: Run,
  url: string,
  { outcome: { answer, fault }, docServerUrl, fix }: { outcome: Outcome; docServerUrl: string; fix: string },
): Check {
  const id = 'editor-frame'
  if (fault !== undefined) return unlooked(id, `of ${url}: ${inWords(fault)}`)
  if (answer.status !== 200) return failed(id, `${url} answered HTTP ${answer.status}`, fix)
  const { publicUrl } = run.addresses
  const { origin } = new URL(publicUrl)
  if (allowsFraming(answer.headers, { frame: docServerUrl, ancestor: publicUrl })) {
    return passed(id, `${url} may be framed by ${origin}`)
  }
  const { 'x-frame-options': options, 'content-security-policy': policy } = answer.headers
  const header = policy?.includes('frame-ancestors')
    ? `Content-Security-Policy: ${policy}`
    : `X-Frame-Options: ${options}`
  return failed(
    id,
    `${url} forbids ${origin} to show the editor (${header.slice(0, 200)})`,
    `Let the proxy before ONLYOFFICE_URL send no X-Frame-Options, and a Content-Security-Policy with frame-ancestors ${origin} or none.`,
  )
}
