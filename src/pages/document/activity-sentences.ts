import type { Action } from '../../core/activity.ts'
import type { ActivityRow } from '../../metadata/schema.ts'
import { shownTitle } from '../files/shown.ts'
import { shownGrants } from './links-shown.ts'

type Detail = Record<string, unknown>

/** What was done, to be read after the name of who did it. */
const SENTENCES: Partial<Record<Action, (detail: Detail) => string>> = {
  created: () => 'created the document',
  uploaded: () => 'uploaded the document',
  copied: () => 'made the document as a copy',
  renamed: ({ from, to }) => `renamed it from ${quoted(from)} to ${quoted(to)}`,
  moved: ({ from, to }) => `moved it from ${folder(from)} to ${folder(to)}`,
  changed: () => 'changed its external id or its metadata',
  labelled: ({ versionNumber, label }) =>
    label === null
      ? `took the label off version ${versionNumber}`
      : `labelled version ${versionNumber} ${quoted(label)}`,
  'content-replaced': ({ versionNumber, by }) =>
    `replaced the content${by === 'json' ? ' through the API' : ''}: version ${versionNumber}`,
  restored: ({ versionNumber, fromVersionNumber }) =>
    `restored version ${fromVersionNumber} as version ${versionNumber}`,
  deleted: () => 'put it into the trash',
  undeleted: () => 'took it out of the trash',
  opened: ({ mode }) => (mode === 'view' ? 'opened it to read' : 'opened it in the editor'),
  saved: ({ versionNumber, outcome }) =>
    outcome === 'draft'
      ? `edited: version ${versionNumber} was saved automatically`
      : `saved version ${versionNumber}`,
  'save-failed': () => 'edited, but a save failed: Document Server keeps the edits and sends them again',
  conflict: ({ versionNumber }) =>
    `edited content that was replaced meanwhile: kept as version ${versionNumber}, beside the current one`,
  recovered: ({ versionNumber }) =>
    versionNumber === undefined
      ? 'edited: the edits were recovered'
      : `edited: the edits were recovered as version ${versionNumber}`,
  'form-submitted': () => 'handed in the filled form',
  'filling-started': () => 'gave the form out to be filled',
  mentioned: () => 'mentioned people in a comment',
  linked: () => 'linked it to a file of another program',
  unlinked: () => 'ended its link to a file of another program',
  'link-created': ({ grants, isForGuests }) =>
    `made a link for ${isForGuests === false ? 'one person' : 'guests'}, who may ${shownGrants(grants)}`,
  'link-revoked': () => 'revoked a link',
  'session-disconnected': () => 'disconnected everyone who had it open',
  'session-closed': () => 'closed its editing session',
  'save-cleared': () => 'took note that the edits of a failed save are lost',
}

export function activityShown({ id, action, at, actor_name, detail }: ActivityRow) {
  const sentence = SENTENCES[action as Action]
  return {
    id,
    at,
    who: shownTitle(actor_name),
    did: sentence === undefined ? action.replaceAll('-', ' ') : sentence(JSON.parse(detail)),
    isFault: ['save-failed', 'conflict', 'recovered'].includes(action),
  }
}

/** Isolated: what a title does to the direction of writing ends with it. Source: Unicode UAX 9 §2.7. */
function quoted(title: unknown): string {
  return `“\u2068${shownTitle(String(title))}\u2069”`
}

function folder(path: unknown): string {
  return path === '/' ? 'the top folder' : quoted(path)
}
