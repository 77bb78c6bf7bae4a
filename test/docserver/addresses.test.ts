import { expect, test } from 'vitest'
import { fetchAddress } from '../../src/docserver/addresses.ts'
import { isProblem } from '../../src/errors.ts'

const PUBLIC = 'https://docs.example.com'
const INTERNAL = 'http://documentserver:8080'
const plain = { publicUrl: PUBLIC, internalUrl: INTERNAL, otherOrigins: [] as string[] }

test.each([
  ['the public address', `${PUBLIC}/cache/files/a?md5=1&x=%2F`, `${INTERNAL}/cache/files/a?md5=1&x=%2F`],
  ['the internal address', `${INTERNAL}/cache/files/a?md5=1`, `${INTERNAL}/cache/files/a?md5=1`],
  ['a path alone', '/cache/files/a?md5=1', `${INTERNAL}/cache/files/a?md5=1`],
  ['the public address with its default port', 'https://docs.example.com:443/cache/a', `${INTERNAL}/cache/a`],
  [
    'an encoded name',
    `${PUBLIC}/cache/%D0%B0%20b?filename=%D0%B0`,
    `${INTERNAL}/cache/%D0%B0%20b?filename=%D0%B0`,
  ],
])('%s is fetched from the internal address', (_name, url, expected) => {
  expect(fetchAddress(plain, url)).toBe(expected)
})

test.each([
  ['another host', 'https://evil.example/cache/files/a'],
  ['a host that only begins the same', 'https://docs.example.com.evil.example/a'],
  ['the public host by http', 'http://docs.example.com/a'],
  ['the public host on another port', 'https://docs.example.com:8443/a'],
  ['the internal host on another port', 'http://documentserver:9000/a'],
  ['a host before the user sign', 'https://docs.example.com@evil.example/a'],
  ['a host without a scheme', '//evil.example/a'],
  ['backslashes for a host', '\\\\evil.example\\a'],
  ['a file', 'file:///etc/passwd'],
  ['data', 'data:text/plain,hello'],
  ['an address with credentials', 'http://user:word@documentserver:8080/a'],
  ['an unreadable address', 'http://[::1/a'],
])('%s is refused', (_name, url) => {
  let error: unknown
  try {
    fetchAddress(plain, url)
  } catch (caught) {
    error = caught
  }
  expect(isProblem(error, 'download-refused')).toBe(true)
})

test('a refusal names the host at most, never the query', () => {
  expect(() => fetchAddress(plain, 'https://evil.example/a?md5=tellmenot')).toThrow(/^(?!.*tellmenot)/)
})

test('sub-paths: the public one is replaced by the internal one', () => {
  const both = { publicUrl: `${PUBLIC}/office`, internalUrl: `${INTERNAL}/ds`, otherOrigins: [] }
  expect(fetchAddress(both, `${PUBLIC}/office/cache/a?x=1`)).toBe(`${INTERNAL}/ds/cache/a?x=1`)
  expect(fetchAddress(both, `${INTERNAL}/ds/cache/a`)).toBe(`${INTERNAL}/ds/cache/a`)
  // A path that merely begins with the same letters is not below it.
  expect(fetchAddress(both, `${PUBLIC}/officers/a`)).toBe(`${PUBLIC}/officers/a`)
  const publicOnly = { publicUrl: `${PUBLIC}/office`, internalUrl: INTERNAL, otherOrigins: [] }
  expect(fetchAddress(publicOnly, `${PUBLIC}/office/cache/a`)).toBe(`${INTERNAL}/cache/a`)
})

test('one address for both stays as it is', () => {
  const same = { publicUrl: PUBLIC, internalUrl: PUBLIC, otherOrigins: [] }
  expect(fetchAddress(same, `${PUBLIC}/cache/a?x=1`)).toBe(`${PUBLIC}/cache/a?x=1`)
})

test('origins that the administrator listed are fetched as they are', () => {
  const listed = { ...plain, otherOrigins: ['https://files.example.com'] }
  expect(fetchAddress(listed, 'https://files.example.com/a?x=1')).toBe('https://files.example.com/a?x=1')
  expect(() => fetchAddress(listed, 'https://files.example.com:444/a')).toThrow()
})
