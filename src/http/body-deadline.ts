import type { RequestHandler } from 'express'

/** Bodies that are read whole must arrive within `seconds`; uploads are limited by stalling instead. */
export function bodyDeadline(seconds: number): RequestHandler {
  return (request, response, next) => {
    const { headers } = request
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0)
      return next()
    const timer = setTimeout(() => {
      if (!request.complete) request.destroy()
    }, seconds * 1000)
    response.once('close', () => clearTimeout(timer))
    next()
  }
}
