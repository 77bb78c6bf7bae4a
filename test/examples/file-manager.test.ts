import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import { deliver, pageConfig } from '../remote/scene.ts'
import { startBoth, until } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { freePort } from '../support/ports.ts'

const PROGRAM = join(import.meta.dirname, 'file-manager.mjs')

async function runExample(env: Record<string, string>): Promise<AsyncDisposable> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await until(() => fetch(`http://127.0.0.1:${env.PORT}/`).then(Boolean, () => false))
  return {
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
}

test('the README shows the example that is tested here, of 40 lines at most', async () => {
  const program = await readFile(PROGRAM, 'utf8')
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  expect(readme).toContain(`\`\`\`js\n${program}\`\`\`\n`)
  expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
})

test('the example opens a file in the editor and gets it back byte for byte, also after it was away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'file-manager-'))
  const path = join(folder, 'report.docx')
  await writeFile(path, makeDocx(['Theirs', 'Two']))
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  await using both = await startBoth({ env: { FILE_ORIGINS: origin } })
  const { app, docServer } = both
  const { apiKey, secret } = await createApiKey(app.deps, { name: 'Files', permissions: [...PERMISSIONS] })
  const env = { DOCS: app.url, KEY: apiKey, SECRET: secret, FOLDER: folder, PORT: String(port) }
  const pageOf = async () => {
    const answer = await fetch(`${origin}/open/report.docx`, { redirect: 'manual' })
    expect(answer.status).toBe(302)
    return pageConfig(app, answer.headers.get('location') ?? '')
  }
  let running = await runExample(env)

  const config = await pageOf()
  expect(config.editorConfig?.user).toMatchObject({ id: 'ann', name: 'Ann' })
  const editor = await docServer.open(config)
  editor.type(0, 'typed in the editor')
  await app.deps.docServer?.forcesave(config.document.key)
  await docServer.settled()
  await deliver(app)
  const saved = await readFile(path)
  expect(docxParagraphs(saved)).toEqual(['typed in the editor', 'Two'])
  const head = await app.deps.database
    .selectFrom('documents')
    .innerJoin('versions', 'versions.id', 'documents.head_version_id')
    .select(['versions.sha256', 'documents.id'])
    .where('documents.external_id', '=', 'report.docx')
    .executeTakeFirstOrThrow()
  await using blob = await app.deps.blobs.open(head.sha256)
  expect(await blob.read(0, blob.size)).toEqual(saved)

  expect((await fetch(`${origin}/files/report.docx`)).status).toBe(401)
  expect((await fetch(`${origin}/files/report.docx`, { method: 'PUT', body: 'x' })).status).toBe(401)

  await running[Symbol.asyncDispose]()
  editor.type(1, 'while it was away')
  await editor.close()
  await docServer.settled()
  await deliver(app)
  running = await runExample(env)
  await app.deps.database
    .updateTable('remote_files')
    .set({ next_attempt_at: app.deps.clock().toISOString() })
    .execute()
  await deliver(app)
  expect(docxParagraphs(await readFile(path))).toEqual(['typed in the editor', 'while it was away'])
  await running[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})
