import {
  ADMINISTRATOR,
  type EndpointCall,
  type Field,
  id,
  of,
  optional,
  required,
  TITLE,
  text,
} from './endpoint-fields.ts'

const SESSION: Field = { ...required(of('sessionKey'), text(129)), absent: 404 }
const FORGOTTEN: Field = { ...required(of('forgottenKey'), text(129)), absent: 404 }
const KEPT = { as: required('document', 1, null, '', 'both'), title: optional(...TITLE) }
const OF_SESSION = { params: { key: SESSION } }

/** What an operator does when something is stuck. */
export const ADMINISTRATION_CALLS: Record<string, EndpointCall> = {
  'POST /administration/sessions/:key/save': { ...ADMINISTRATOR, ...OF_SESSION },
  'POST /administration/sessions/:key/disconnect': { ...ADMINISTRATOR, ...OF_SESSION },
  'POST /administration/sessions/:key/close': { ...ADMINISTRATOR, ...OF_SESSION },
  'POST /administration/saves/:key/clear': { ...ADMINISTRATOR, ...OF_SESSION },
  'POST /administration/saves/:key/retry': { ...ADMINISTRATOR, ...OF_SESSION },
  'POST /administration/versions/:versionId/keep': {
    ...ADMINISTRATOR,
    params: { versionId: id('versionId') },
    body: KEPT,
  },
  'POST /administration/forgotten/:key/keep': { ...ADMINISTRATOR, params: { key: FORGOTTEN }, body: KEPT },
  'POST /administration/doctor': ADMINISTRATOR,
}
