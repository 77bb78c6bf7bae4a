import { expect, test } from 'vitest'
import type { Database } from '../../src/metadata/schema.ts'
import { isScaled } from '../support/scale.ts'
import { startProxy } from './proxy.ts'
import { startScene } from './support.ts'

/** Short, and yet enough for what does answer on a busy machine. */
const SHORT = { requestMs: 1500, conversionMs: 3000, checkMs: isScaled ? 8000 : 1500 }

/** Takes requests and never says a word. */
const silentServer = () => startProxy({ answer: () => {} })

test('a Document Server that never answers ends as a failure to connect', async () => {
  await using silent = await silentServer()
  await using scene = await startScene({ env: () => ({ ONLYOFFICE_URL: silent.url }), limits: SHORT })
  const { troubles, diagnosis } = await scene.troubles()
  expect(troubles).toEqual(['fail document-server-connection (us→Document Server)'])
  expect(diagnosis.checks.find(({ id }) => id === 'document-server-connection')?.evidence).toContain(
    'in time',
  )
})

test('a command that hangs ends, and nothing else is blamed', async () => {
  await using scene = await startScene({ limits: SHORT })
  scene.docServer.faults.command({ kind: 'hang' }, Number.POSITIVE_INFINITY)
  expect((await scene.troubles()).troubles).toEqual(['fail document-server-secret (us→Document Server)'])
})

test('a service that Document Server waits for in vain ends as out of reach', async () => {
  await using silent = await silentServer()
  await using scene = await startScene({ env: () => ({ INTERNAL_URL: silent.url }), limits: SHORT })
  expect((await scene.troubles()).troubles).toEqual(['fail own-reachability (Document Server→us)'])
})

test('a converter that never answers is told as such', async () => {
  await using proxy = await startProxy({ silentAt: '/converter' })
  await using scene = await startScene({
    env: (docServer) => {
      proxy.target = docServer.url
      return { ONLYOFFICE_URL: proxy.url }
    },
    limits: SHORT,
  })
  const { troubles, fix } = await scene.troubles()
  expect(troubles).toEqual(['fail document-server-conversion (us→Document Server)'])
  expect(fix).toContain('ds-converter')
})

test('a page of ours that hangs on its way to browsers is a warning', async () => {
  await using silent = await silentServer()
  await using inside = await startProxy()
  await using scene = await startScene({
    // Not localhost, which is another machine for a browser.
    env: () => ({ PUBLIC_URL: silent.url.replace('127.0.0.1', '0.0.0.0'), INTERNAL_URL: inside.url }),
    limits: { ...SHORT, conversionMs: 20_000 },
  })
  inside.target = scene.app.url
  expect((await scene.troubles()).troubles).toEqual(['warn public-address (Document Server→us)'])
})

test('a database that hangs ends by itself', async () => {
  await using scene = await startScene({ limits: { ...SHORT, conversionMs: 20_000 } })
  const database = {
    updateTable: () => ({ set: () => ({ execute: () => new Promise(() => {}) }) }),
    selectFrom: scene.parts.database?.selectFrom.bind(scene.parts.database),
  } as unknown as Database
  const { troubles, diagnosis } = await scene.troubles({ database })
  expect(troubles).toEqual(['fail database (service)'])
  expect(diagnosis.checks.find(({ id }) => id === 'database')?.evidence).toContain(
    `${SHORT.checkMs / 1000} s`,
  )
})

test('an answer without end is not read to the end', async () => {
  await using endless = await startProxy({
    answer: (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    },
  })
  await using scene = await startScene({ env: () => ({ ONLYOFFICE_URL: endless.url }) })
  expect((await scene.troubles()).troubles).toEqual(['fail document-server-address (us→Document Server)'])
})
