import { BUILD_NUMBER, BUILD_VERSION } from './bodies.ts'

/** What the command `license` answers beside `error`. Source: ONLYOFFICE Docs API, Command service, license. */
export type LicenseAnswer = {
  license: { end_date: string | null; [field: string]: unknown }
  server: { resultType: number; [field: string]: unknown }
  quota: { users: { userid: string; expire: string }[]; users_view: { userid: string; expire: string }[] }
}

/** Of a build without a license file. */
export const OPEN_SOURCE_LICENSE: LicenseAnswer = {
  license: {
    start_date: '2026-11-01T00:00:00.000Z',
    end_date: null,
    timelimited: false,
    trial: false,
    developer: false,
    branding: false,
    customization: false,
    advanced_api: false,
    connections: 20,
    connections_view: 20,
    users_count: 0,
    users_view_count: 0,
    users_expire: 1,
    customer_id: '',
    alias: '',
    multitenancy: false,
  },
  server: {
    workersCount: 1,
    resultType: 3,
    packageType: 0,
    buildDate: '2016-06-29T00:00:00.000Z',
    buildVersion: BUILD_VERSION,
    buildNumber: BUILD_NUMBER,
  },
  quota: { users: [], users_view: [] },
}
