import { expect, test } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config.ts'

test('by default no internal address is admitted, nobody is alerted, a year is kept', () => {
  const config = loadConfig({})
  expect(config).toMatchObject({
    WEBHOOK_ALLOWED_HOSTS: [],
    ALERT_DISK_FREE_BYTES: 1_073_741_824,
    AUDIT_DAYS: 365,
  })
  expect(config.ALERT_WEBHOOK_URL).toBeUndefined()
})

test('names, addresses and networks are admitted', () => {
  const WEBHOOK_ALLOWED_HOSTS = 'crm, hooks.internal.example 127.0.0.1,::1,10.0.0.0/8 fd00::/8'
  expect(loadConfig({ WEBHOOK_ALLOWED_HOSTS }).WEBHOOK_ALLOWED_HOSTS).toEqual([
    'crm',
    'hooks.internal.example',
    '127.0.0.1',
    '::1',
    '10.0.0.0/8',
    'fd00::/8',
  ])
})

test.each([
  ['WEBHOOK_ALLOWED_HOSTS', 'http://crm/'],
  ['WEBHOOK_ALLOWED_HOSTS', '10.0.0.0/99'],
  ['WEBHOOK_ALLOWED_HOSTS', '*.example.com'],
  ['ALERT_WEBHOOK_URL', 'alerts.example.com'],
  ['ALERT_WEBHOOK_URL', 'ftp://alerts.example.com'],
  ['ALERT_WEBHOOK_URL', 'https://me@alerts.example.com'],
  ['ALERT_DISK_FREE_BYTES', '-1'],
  ['AUDIT_DAYS', '0'],
])('%s=%s is refused', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(ConfigError)
})
