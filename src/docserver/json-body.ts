import express, { Router } from 'express'
import type { Config } from '../config.ts'
import { bodyDeadline } from '../http/body-deadline.ts'

const MAX_BYTES = 256 * 1024

/** Reads what the page sends; files go past it. */
export function jsonBody({ BODY_TIMEOUT_S }: Pick<Config, 'BODY_TIMEOUT_S'>): Router {
  const router = Router()
  const deadline = bodyDeadline(BODY_TIMEOUT_S)
  router.use((request, response, next) =>
    request.is('application/json') === false ? next() : deadline(request, response, next),
  )
  router.use(express.json({ limit: MAX_BYTES }))
  return router
}
