import jwt from 'jsonwebtoken'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blankPdf } from '../../src/core/blank/pdf.ts'
import { type Pair, startPair } from '../docserver/support.ts'
import { SECRET } from '../support/app.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { makeDocx, makePptx, makeXlsx } from '../support/files.ts'
import { calledWith, press, shown } from './editor-support.ts'

const MODES = ['view', 'comment', 'review', 'fillForms', 'edit'] as const
type Mode = (typeof MODES)[number]

/** Each can be edited and, as far as the editor knows of it, commented, reviewed and filled. */
const FILES = {
  docx: { bytes: makeDocx(['One']), possible: ['view', 'comment', 'review', 'edit'] },
  xlsx: { bytes: makeXlsx([['1']]), possible: ['view', 'comment', 'edit'] },
  pptx: { bytes: makePptx(), possible: ['view', 'comment', 'edit'] },
  pdf: { bytes: blankPdf('Form'), possible: ['view', 'comment', 'fillForms', 'edit'] },
} satisfies Record<string, { bytes: Buffer; possible: Mode[] }>
type FileType = keyof typeof FILES
const TYPES = Object.keys(FILES) as FileType[]

type PageData = {
  config: {
    token: string
    document: { permissions: Record<string, unknown> }
    editorConfig: { mode: string; user: { id: string; name: string } }
  }
  grants: string[]
  mode: Mode
  seesWorkspace: boolean
  isGuest: boolean
}

let pair: Pair
const ids = new Map<FileType, string>()
beforeAll(async () => {
  pair = await startPair()
  for (const type of TYPES) ids.set(type, await pair.app.upload(`file.${type}`, FILES[type].bytes))
})
afterAll(() => pair?.[Symbol.asyncDispose]())

const idOf = (type: FileType) => ids.get(type) ?? ''

async function post<T>(path: string, body: object): Promise<T> {
  const response = await pair.app.fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBeLessThan(300)
  return (await response.json()) as T
}

/** The address on which the test's service listens. */
const here = (url: string) => {
  const { pathname, search } = new URL(url)
  return `${pair.app.url}${pathname}${search}`
}

async function linkTo(type: FileType, wanted: object): Promise<string> {
  return here((await post<{ url: string }>(`/api/documents/${idOf(type)}/links`, wanted)).url)
}

async function embedOf(type: FileType, permissions: string[]): Promise<string> {
  const user = { id: 'eve', name: 'Eve' }
  return here((await post<{ url: string }>('/api/embed', { documentId: idOf(type), permissions, user })).url)
}

async function pageAt(address: string, headers: Record<string, string> = {}): Promise<PageData> {
  const html = await (await fetch(address, { headers: { accept: 'text/html', ...headers } })).text()
  return JSON.parse(/<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(html)?.[1] ?? '{}')
}

/** Chooses a name and keeps the cookie. */
async function guestCookieAt(address: string): Promise<string> {
  const body = new URLSearchParams({ name: 'Passer-by' })
  const named = await fetch(address, { method: 'POST', redirect: 'manual', body })
  return named.headers.get('set-cookie')?.split(';')[0] ?? ''
}

const withMode = (address: string, mode: Mode) => {
  const url = new URL(address)
  url.searchParams.set('mode', mode)
  return url.href
}

/** The mode that comes of a wish: what is wished for if it can be had; for editing the most that can; else reading. */
function expectedMode(type: FileType, wanted: Mode, grants: readonly string[]): Mode {
  const can = (mode: Mode) =>
    mode === 'view' || ((FILES[type].possible as Mode[]).includes(mode) && grants.includes(mode))
  if (can(wanted)) return wanted
  const most = (['fillForms', 'review', 'comment'] as const).find(can)
  return wanted === 'edit' ? (most ?? 'view') : 'view'
}

function expectedPermissions(type: FileType, mode: Mode, grants: readonly string[]) {
  const { possible }: { possible: readonly Mode[] } = FILES[type]
  const edits = mode === 'edit'
  const has = (grant: string) => grants.includes(grant)
  return {
    edit: edits || (mode === 'view' && has('edit')),
    comment: has('comment') && possible.includes('comment') && (edits || mode === 'comment'),
    review: has('review') && possible.includes('review') && (edits || mode === 'review'),
    fillForms: has('fillForms') && (edits || mode === 'fillForms'),
    modifyContentControl: edits,
    modifyFilter: edits,
    protect: has('protect') && edits,
    copy: has('copy'),
    download: has('download'),
    print: has('print'),
    chat: has('chat') && mode !== 'view',
  }
}

/** The config is signed as it is, and says what the grants allow. */
function checkConfig(
  { config, mode, grants }: Pick<PageData, 'config' | 'mode' | 'grants'>,
  type: FileType,
  wanted: Mode,
) {
  const { token, ...rest } = config
  const {
    iat: _iat,
    exp: _exp,
    ...signed
  } = jwt.verify(token, SECRET, {
    algorithms: ['HS256'],
  }) as jwt.JwtPayload
  expect(signed).toEqual(rest)
  expect(mode).toBe(expectedMode(type, wanted, grants))
  expect(config.document.permissions).toEqual(expectedPermissions(type, mode, grants))
  expect(config.editorConfig.mode).toBe(mode === 'view' ? 'view' : 'edit')
}

const ALL = 'view comment review fillForms edit download print copy protect chat'.split(' ')
const READING = ['view', 'download', 'print', 'copy']

/** What each mode needs, and less. */
const GRANT_SETS = [
  ['view'],
  READING,
  ['view', 'comment', 'chat'],
  ['view', 'review', 'comment'],
  ['view', 'fillForms'],
  ['view', 'edit'],
  ALL.filter((grant) => grant !== 'protect'),
  ALL,
]

describe('the config of every mode and type says the same as its token', () => {
  const combinations = TYPES.flatMap((type) => MODES.map((mode) => [type, mode] as const))

  test.each(combinations)('%s, %s: for an owner', async (type, wanted) => {
    const config = (await pair.app.config(idOf(type), `?mode=${wanted}`)) as unknown as PageData['config']
    const headers = { authorization: `Bearer ${pair.app.token}` }
    const page = await pageAt(`${pair.app.url}/api/onlyoffice/viewer/${idOf(type)}?mode=${wanted}`, headers)
    expect(page.grants.toSorted()).toEqual(ALL.toSorted())
    expect(page).toMatchObject({ seesWorkspace: true, isGuest: false })
    checkConfig(page, type, wanted)
    checkConfig({ ...page, config }, type, wanted)
  })

  test.each(combinations)('%s, %s: by links with each set of grants', async (type, wanted) => {
    for (const grants of GRANT_SETS) {
      const page = await pageAt(
        withMode(await linkTo(type, { grants, user: { id: 'eve', name: 'Eve' } }), wanted),
      )
      expect(page.grants.toSorted()).toEqual(grants.toSorted())
      expect(page).toMatchObject({ seesWorkspace: false, isGuest: false })
      expect(page.config.editorConfig.user).toEqual({ id: 'eve', name: 'Eve' })
      checkConfig(page, type, wanted)
    }
  })

  test.each(combinations)('%s, %s: for guests', async (type, wanted) => {
    for (const grants of [['view'], ['view', 'comment', 'chat'], ALL]) {
      const address = await linkTo(type, { grants })
      const cookie = await guestCookieAt(address)
      const page = await pageAt(withMode(address, wanted), { cookie })
      expect(page.grants.toSorted()).toEqual(grants.toSorted())
      expect(page).toMatchObject({ seesWorkspace: false, isGuest: true })
      expect(page.config.editorConfig.user.id).toMatch(/^guest-/)
      checkConfig(page, type, wanted)
    }
  })

  test.each(combinations)('%s, %s: by embeds', async (type, wanted) => {
    for (const [permissions, own] of [
      [['view'], 'view'],
      [['view', 'comment'], 'comment'],
      [['view', 'comment', 'edit'], 'edit'],
    ] as const) {
      const page = await pageAt(withMode(await embedOf(type, [...permissions]), wanted))
      expect(page).toMatchObject({ seesWorkspace: false, isGuest: false })
      // The token decides; its page may only ask for less.
      checkConfig(page, type, wanted === 'view' ? 'view' : own)
    }
  })

  test('groups travel with the permissions, under the token as well', async () => {
    const groups = { review: ['A'], comment: { view: ['A', ''], edit: ['A'], remove: [] }, userInfo: ['A'] }
    const user = { id: 'eve', name: 'Eve', group: 'A' }
    const { config } = await pageAt(await linkTo('docx', { grants: ALL, user, options: { groups } }))
    expect(config.document.permissions).toMatchObject({
      reviewGroups: ['A'],
      commentGroups: groups.comment,
      userInfoGroups: ['A'],
    })
    const { payload } = jwt.verify(config.token, SECRET, { complete: true })
    expect(payload).toMatchObject({ document: { permissions: config.document.permissions } })
  })
})

const bare = (...more: string[]) => [...more, 'action-link', 'users-info'].toSorted()
/** What was in a document before is for those who may edit it or see the workspace. */
const word = (...more: string[]) => bare('history', ...more)
const WORD_EDITING = ['rename', 'insert-image']
const WORD_WORKSPACE = [
  'save-as',
  'create-new',
  'sharing',
  'select-document',
  'select-spreadsheet',
  'mail-merge-recipients',
  'compare-file',
  'comment',
]
const STAR = 'favorite'

/** Who, what and how; then the tools that are shown. */
const SEEN: [name: string, type: FileType, address: () => Promise<string>, tools: string[]][] = [
  [
    'an owner who edits a text',
    'docx',
    async () => '/api/onlyoffice/viewer/',
    word(...WORD_EDITING, ...WORD_WORKSPACE, 'users-mention', STAR),
  ],
  [
    'an owner who looks at a text',
    'docx',
    async () => '/api/onlyoffice/viewer/?mode=view',
    word('create-new', STAR),
  ],
  [
    'an owner who edits a spreadsheet',
    'xlsx',
    async () => '/api/onlyoffice/viewer/',
    word(
      ...WORD_EDITING,
      'save-as',
      'create-new',
      'sharing',
      'reference-data',
      'reference-source',
      'open-source',
      'users-protect',
      'users-mention',
      'comment',
      STAR,
    ),
  ],
  [
    'an owner with a form to fill',
    'pdf',
    async () => '/api/onlyoffice/viewer/?mode=fillForms',
    word('create-new', 'filling-status', 'submit', STAR),
  ],
  [
    'somebody with a link to edit',
    'docx',
    () => linkTo('docx', { grants: ['view', 'edit'], user: { id: 'eve', name: 'Eve' } }),
    word(...WORD_EDITING, STAR),
  ],
  [
    'somebody with a link to edit who looks first',
    'docx',
    async () =>
      withMode(await linkTo('docx', { grants: ['view', 'edit'], user: { id: 'eve', name: 'Eve' } }), 'view'),
    word(STAR),
  ],
  [
    'somebody with a link to comment',
    'docx',
    () => linkTo('docx', { grants: ['view', 'comment'], user: { id: 'eve', name: 'Eve' } }),
    bare('users-mention', STAR),
  ],
  ['an embed to edit', 'pptx', () => embedOf('pptx', ['edit']), word(...WORD_EDITING, 'users-mention', STAR)],
  ['an embed to look at', 'xlsx', () => embedOf('xlsx', ['view']), bare(STAR)],
  ['a guest who may look', 'docx', () => linkTo('docx', { grants: ['view'] }), bare()],
  [
    'a guest who may do everything',
    'docx',
    () => linkTo('docx', { grants: ALL }),
    word(...WORD_EDITING, 'users-mention'),
  ],
]

describe.skipIf(noBrowser !== undefined)(`the buttons in the editor ${noBrowser ?? ''}`, () => {
  let browser: Awaited<ReturnType<typeof startBrowser>>
  beforeAll(async () => {
    if (noBrowser === undefined) browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  async function toolsOn(page: Page): Promise<string[]> {
    const frame = page.frameLocator('iframe[name=frameEditor]')
    await shown(frame)
    const names = await frame
      .locator('[data-tool]')
      .evaluateAll((tools) => tools.map((tool) => tool.getAttribute('data-tool') ?? ''))
    return names.filter((name) => !name.startsWith('signal-')).toSorted()
  }

  test.each(SEEN)('%s', async (name, type, address, tools) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(10_000)
    const given = await address()
    const isOwner = given.startsWith('/')
    if (isOwner) {
      await context.setExtraHTTPHeaders({ authorization: `Bearer ${pair.app.token}` })
      await page.goto(`${pair.app.url}${given.replace('viewer/', `viewer/${idOf(type)}`)}`)
    } else await page.goto(given)
    const asked = page.getByLabel('Name')
    if (await asked.isVisible()) {
      await asked.fill('Passer-by')
      await page.getByRole('button', { name: 'Open the document' }).click()
    }
    expect(await toolsOn(page)).toEqual(tools)
    expect(await page.locator('#home').isVisible()).toBe(isOwner)
    const button = (event: string) =>
      page.frameLocator('iframe[name=frameEditor]').locator(`header [data-event="${event}"]`)
    expect(await button('onRequestClose').isVisible()).toBe(isOwner)
    expect(await button('onRequestEditRights').isVisible()).toBe(name.includes('who looks'))
    await context.close()
  })

  test('a guest who looks for people to mention finds nobody, and no fault', async () => {
    const id = await pair.app.upload('guests.docx', makeDocx(['One']))
    const { key } = (await pair.app.config(id)).document
    const { url } = await post<{ url: string }>(`/api/documents/${id}/links`, { grants: ALL })
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(here(url))
    await page.getByLabel('Name').fill('Passer-by')
    await page.getByRole('button', { name: 'Open the document' }).click()
    const frame = page.frameLocator('iframe[name=frameEditor]')
    await shown(frame)
    await press({ frame }, 'users-mention', { fields: { search: 'a' } })
    const { argument } = await calledWith(pair, { key }, 'setUsers', {})
    expect(argument).toEqual({ c: 'mention', users: [] })
    // Titles of others reach guests as well.
    await pair.app.fetch(`/api/documents/${id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Renamed' }),
    })
    await expect.poll(() => page.locator('#title').textContent()).toBe('Renamed.docx')
    expect(await page.locator('#notice').isVisible()).toBe(false)
    await context.close()
  })
})
