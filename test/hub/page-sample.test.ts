import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BASE_URL, fill, readSample } from '../quickstarts/samples.ts'
import { startApp } from '../support/app.ts'
import { connect } from './support.ts'

test('the hub sample of the API page runs as it stands, address and id aside', async () => {
  await using app = await startApp({ env: { HUB_ANONYMOUS: 'true' } })
  const id = await app.upload('note.txt', Buffer.from('note'))
  const sample = fill(await readSample('hub.mjs'), { [BASE_URL]: app.url, 'doc-id-here': id })
  // Below the tests, where its import is found.
  const folder = await mkdtemp(join(import.meta.dirname, '.sample-'))
  await writeFile(join(folder, 'sample.mjs'), sample)
  const program = spawn(process.execPath, [join(folder, 'sample.mjs')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = once(program, 'close')
  let printed = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (text) => (printed += text))
  try {
    await using observer = await connect(app, {})
    const users = () => observer.invoke<object[]>('GetConnectedUsers', id)
    await expect
      .poll(users, { timeout: 15_000 })
      .toMatchObject([{ userName: 'John Doe', userColor: '#FF6B6B' }])

    // It listens after it has joined: somebody joins until it has heard of one.
    const joined: string[] = []
    await expect
      .poll(async () => {
        await using other = await connect(app, {})
        await other.invoke('JoinDocument', id)
        joined.push(`User joined: ${other.connection.connectionId}`)
        return printed
      })
      .toContain('User joined: ')
    expect(joined).toContain(/User joined: .+/.exec(printed)?.[0])
  } finally {
    program.kill('SIGKILL')
    await gone
    await rm(folder, { recursive: true, force: true })
  }
})
