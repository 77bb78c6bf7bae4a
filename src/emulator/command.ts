import type { Request, Response } from 'express'
import { infoBody } from './bodies.ts'
import type { Documents } from './documents.ts'
import { forgottenCacheFile } from './forgotten.ts'
import { addressOf, type Settings, signedParameters } from './inbox.ts'
import type { LicenseAnswer } from './license.ts'
import type { Saves, SavesParts } from './saves.ts'

// Source: ONLYOFFICE Docs API, Command service, `error`.
const UNKNOWN_KEY = 1
const BAD_CALLBACK_URL = 2
const UNKNOWN_COMMAND = 5
const BAD_TOKEN = 6
const EXPIRED_TOKEN = 7

const WITHOUT_KEY = new Set<unknown>(['version', 'license', 'getForgottenList'])

type Parts = SavesParts & {
  settings: Settings
  saves: Saves
  rows: Documents
  version: () => string
  license: () => LicenseAnswer
}

type Answer = { error: number; [field: string]: unknown }

/** CommandService: always HTTP 200, the outcome is in `error`. */
export async function answerCommand(parts: Parts, request: Request, response: Response): Promise<void> {
  const verified = signedParameters(request, parts.settings, parts.clock())
  const send = (answer: object) => {
    // Set by hand: Document Server names no charset here.
    response.setHeader('Content-Type', 'application/json')
    response.status(200).end(JSON.stringify(answer))
  }
  if (!verified.payload) return send({ error: verified.error === 'expired' ? EXPIRED_TOKEN : BAD_TOKEN })
  const fault = parts.faults.takeCommand(verified.payload.c)
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'status') return void response.status(fault.status).end()
  if (fault?.kind === 'answer') return send({ key: verified.payload.key, error: fault.error })
  if (fault?.kind === 'delay') await parts.work.sleep(fault.ms).catch(() => {})
  send(await run(parts, verified.payload, request))
}

async function run(
  parts: Parts,
  payload: Record<string, unknown>,
  request: Request,
): Promise<Answer | object> {
  const { c, key } = payload
  if (key === undefined && !WITHOUT_KEY.has(c)) return { error: UNKNOWN_KEY }
  if (key !== undefined && typeof key !== 'string') return { key, error: UNKNOWN_KEY }
  const named = key === undefined ? {} : { key }
  if (c === 'version') return { ...named, error: 0, version: parts.version() }
  if (c === 'license') return { ...named, error: 0, ...parts.license() }
  if (c === 'getForgottenList') return { ...named, error: 0, keys: [...parts.forgotten.keys()] }
  return { ...named, ...(await runOnKey(parts, key ?? '', payload, request)) }
}

async function runOnKey(
  parts: Parts,
  key: string,
  payload: Record<string, unknown>,
  request: Request,
): Promise<Answer> {
  switch (payload.c) {
    case 'info':
      return info(parts, key, payload)
    case 'forcesave':
      return forcesave(parts, key, payload, request)
    case 'drop':
      return drop(parts, key, payload)
    case 'meta':
      return meta(parts, key, payload)
    case 'getForgotten':
      return getForgotten(parts, key, request)
    case 'deleteForgotten':
      return { error: parts.forgotten.delete(key) ? 0 : UNKNOWN_KEY }
    default:
      return { error: UNKNOWN_COMMAND }
  }
}

function info({ rows, saves }: Parts, key: string, payload: Record<string, unknown>): Answer {
  const document = rows.get(key)
  if (!document) return { error: UNKNOWN_KEY }
  const { callback } = payload
  if (callback !== undefined && (typeof callback !== 'string' || !URL.canParse(callback))) {
    return { error: BAD_CALLBACK_URL }
  }
  const url = callback ?? document.callbackUrl
  void saves.tell(url, infoBody(document, userdataOf(payload)))
  return { error: 0, users: document.editorIds() }
}

async function forcesave(
  { rows, saves, settings }: Parts,
  key: string,
  payload: Record<string, unknown>,
  request: Request,
): Promise<Answer> {
  const { error, done, isRepeated } = saves.forcesave(rows.get(key), {
    type: 0,
    userdata: userdataOf(payload),
    base: addressOf(request, settings),
    shardkey: rows.lastOpenedKey || key,
  })
  if (isRepeated) await done
  return { error }
}

function drop({ rows }: Parts, key: string, { users }: Record<string, unknown>): Answer {
  if (!Array.isArray(users)) return { error: UNKNOWN_COMMAND }
  for (const session of rows.get(key)?.sessions ?? []) {
    if (users.includes(session.user.id)) void rows.drop(session)
  }
  return { error: 0 }
}

function meta({ rows }: Parts, key: string, { meta: given }: Record<string, unknown>): Answer {
  if (typeof given !== 'object' || given === null) return { error: UNKNOWN_COMMAND }
  const document = rows.get(key)
  if (document && 'title' in given && typeof given.title === 'string') {
    document.title = given.title
    for (const session of document.sessions) session.emit('onMetaChange', { title: given.title })
  }
  return { error: 0 }
}

function getForgotten({ forgotten, files, settings }: Parts, key: string, request: Request): Answer {
  const file = forgotten.get(key)
  if (!file) return { error: UNKNOWN_KEY }
  const base = addressOf(request, settings)
  return { error: 0, url: files.url(forgottenCacheFile(key, file), { shardkey: key, base }) }
}

function userdataOf({ userdata }: Record<string, unknown>): string | undefined {
  return typeof userdata === 'string' ? userdata : undefined
}
