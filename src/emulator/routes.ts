import { type Request, type Response, Router } from 'express'
import { browserRoutes } from './browser.ts'
import { answerCommand } from './command.ts'
import { Converter } from './converter.ts'
import type { Parts } from './emulator.ts'
import { readBody } from './inbox.ts'

/** Everything under the emulator's address. */
export function emulatorRoutes(parts: Parts): Router {
  const router = Router()
  router.use((_request, response, next) => {
    response.set('Date', parts.clock().toUTCString())
    next()
  })
  const files = (request: Request, response: Response) => parts.files.answer(request, response)
  const command = (request: Request, response: Response) => answerCommand(parts, request, response)

  router.get('/{*path}', (request, response, next) => {
    if (parts.files.isServed(request.path)) files(request, response)
    else next()
  })
  router.get('/cache/files/{*path}', files)
  router.get('/healthcheck', (_request, response) => {
    const fault = parts.faults.takeHealth()
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'status') response.status(fault.status).end()
    else response.type('text/plain').send(fault ? 'false' : 'true')
  })
  router.post('/coauthoring/CommandService.ashx', readBody, command)
  router.get('/coauthoring/CommandService.ashx', command)
  router.post('/command', readBody, command)
  const converter = new Converter(parts)
  const ashx = (request: Request, response: Response) => converter.answer(request, response, true)
  const json = (request: Request, response: Response) => converter.answer(request, response, false)
  router.route('/ConvertService.ashx').get(ashx).post(readBody, ashx)
  router.route('/converter').get(json).post(readBody, json)
  router.use(browserRoutes(parts))
  return router
}
