import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { statusAnswer } from '../../src/docserver/status-answer.ts'
import { createContinuousDoctor } from '../../src/doctor/continuous.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { startScene } from './support.ts'

test('the status shows the checks of the last round to those who may know details', async () => {
  await using scene = await startScene()
  const status = async (as: string) =>
    (await (await scene.app.fetch('/api/onlyoffice/status', { as })).json()) as Record<string, unknown>
  expect(await status(ADMIN_TOKEN)).toMatchObject({ ok: null, checkedAt: null, checks: [] })
  expect(Object.keys(await status(scene.app.token))).toEqual(['configured', 'emulated', 'healthy'])
})

test('what the rounds show is in the answer', async () => {
  await using scene = await startScene()
  const { app, parts } = scene
  const { looksOnce: _looksOnce, ...rest } = parts
  const doctor = createContinuousDoctor({ ...rest, log: app.deps.log })
  scene.docServer.faults.healthcheck()
  await doctor.round()
  await doctor.round()
  const door = {
    deps: app.deps,
    addresses: parts.addresses,
    authentication: { byBearerOrCookie: async () => ({ kind: 'administrator' }) },
    unsignedCallbacks: { count: 0, lastAt: undefined },
    doctor,
  } as unknown as Parameters<typeof statusAnswer>[0]
  const site = express().get('/', async (request, response) => {
    response.json(await statusAnswer(door, request))
  })
  const server = site.listen(0, '127.0.0.1')
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const answer = (await response.json()) as { checks: { id: string; result: string }[] }
    expect(answer).toMatchObject({ ok: false, checkedAt: expect.stringMatching(/Z$/) })
    expect(answer.checks.filter(({ result }) => result === 'fail')).toEqual([
      {
        id: 'document-server-health',
        leg: 'us→Document Server',
        result: 'fail',
        evidence: expect.any(String),
        fix: expect.any(String),
      },
    ])
  } finally {
    server.close()
  }
})
