import { describe, expect, test } from 'vitest'
import { otherBases } from '../../src/doctor/base-paths.ts'
import { allowsFraming, allowsLoading } from '../../src/doctor/content-policy.ts'
import { licenseCheck } from '../../src/doctor/license.ts'
import { nodeCheck } from '../../src/doctor/service.ts'
import { versionCheck } from '../../src/doctor/version.ts'

const API = 'https://office.example.com:8443/ds/web-apps/apps/api/documents/api.js'
const PAGE = 'https://docs.example.com/'

describe('a policy', () => {
  test.each([
    [undefined, true],
    ["default-src 'none'", false],
    ["default-src 'self'", false],
    ['default-src *', true],
    ['script-src https:', true],
    ['script-src https://*:8443', true],
    ['script-src https://*', false],
    ['script-src http:', true],
    ["script-src 'nonce-abc' https://office.example.com:8443", true],
    ['script-src https://office.example.com', false],
    ['script-src office.example.com:*', true],
    ['script-src https://*.example.com:8443', true],
    ['script-src https://*.example.org:8443', false],
    ['script-src https://office.example.com:8443/ds/', true],
    ['script-src https://office.example.com:8443/other/', false],
    ["script-src-elem 'self'; script-src *", false],
    ['frame-src *', true],
    ["img-src 'self'; object-src 'none'", true],
    ["script-src *, script-src 'self'", false],
    ['SCRIPT-SRC *', true],
    ["script-src 'none'", false],
  ])('%s lets api.js load: %s', (policy, isAllowed) => {
    expect(allowsLoading(policy, { kind: 'script', url: API, page: PAGE })).toBe(isAllowed)
  })

  test.each([
    ["child-src 'none'", false],
    ['child-src *', true],
    ["frame-src https://office.example.com:8443; child-src 'none'", true],
    ["script-src 'none'", true],
  ])('%s lets the editor be framed: %s', (policy, isAllowed) => {
    expect(allowsLoading(policy, { kind: 'frame', url: API, page: PAGE })).toBe(isAllowed)
  })

  test.each([
    [{}, true],
    [{ 'x-frame-options': 'DENY' }, false],
    [{ 'x-frame-options': 'sameorigin' }, false],
    [{ 'x-frame-options': 'DENY', 'content-security-policy': 'frame-ancestors *' }, true],
    [{ 'content-security-policy': "frame-ancestors 'none'" }, false],
    [{ 'content-security-policy': 'frame-ancestors https://docs.example.com' }, true],
    [{ 'content-security-policy': "frame-ancestors *, frame-ancestors 'self'" }, false],
    [{ 'content-security-policy': "default-src 'none'" }, true],
  ])('the headers %j let us show a page: %s', (headers, isAllowed) => {
    expect(allowsFraming(headers, { frame: API, ancestor: PAGE })).toBe(isAllowed)
  })
})

test('where else a service may be', () => {
  expect(otherBases('http://a/ds/ds')).toEqual(['http://a/ds', 'http://a'])
  expect(otherBases('http://a', ['http://b/ds'])).toEqual(['http://a/ds'])
  expect(otherBases('http://a:1/x/y', ['http://a:1/x/y'])).toEqual([
    'http://a:1',
    'http://a:1/x',
    'http://a:1/y',
  ])
})

test.each([
  ['9.4.0.129', 'ok'],
  ['8.3.0.1', 'ok'],
  ['8.2.2.1', 'warn'],
  ['7.4.0.1', 'warn'],
  ['7.3.3.50', 'fail'],
  ['6.4.2.6', 'fail'],
  ['10.0.0', 'ok'],
  ['4.1.2.37', 'ok'],
  [undefined, 'ok'],
  ['who knows', 'ok'],
])('Document Server %s: %s', (version, result) => {
  expect(versionCheck(version).result).toBe(result)
})

test.each([
  ['v24.0.0', 'ok'],
  ['v22.20.0', 'ok'],
  ['v22.19.0', 'fail'],
  ['v20.20.2', 'fail'],
])('Node %s: %s', (version, result) => {
  expect(nodeCheck(version).result).toBe(result)
})

describe('a license', () => {
  const now = new Date('2026-06-01T00:00:00Z')
  const license = (end_date: string | null, resultType = 3) => ({
    license: { end_date, connections: 20 },
    server: { resultType },
    quota: { users: [] },
  })

  test.each([
    [license(null), 'ok', /no end; at most 20 connections/],
    [license('2027-01-01T00:00:00.000Z'), 'ok', /ends on 2027-01-01/],
    [license('2026-06-10T00:00:00.000Z'), 'warn', /2026-06-10/],
    [license('2026-05-01T00:00:00.000Z', 2), 'fail', /has expired \(it ended on 2026-05-01/],
    // It is without end, and its updates have ended.
    [license('2026-05-01T00:00:00.000Z'), 'ok', /ended on 2026-05-01/],
    [license(null, 6), 'fail', /trial/],
    [license(null, 1), 'fail', /cannot be read/],
    [undefined, 'ok', /does not tell/],
    [{ license: 'odd' }, 'ok', /does not tell/],
  ])('%j: %s', (fields, result, evidence) => {
    const check = licenseCheck(fields, now)
    expect(check.result).toBe(result)
    expect(check.evidence).toMatch(evidence)
  })
})
