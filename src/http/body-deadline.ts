import type { RequestHandler } from 'express'

/** Small bodies must have arrived within `seconds`; uploads are limited by stalling instead. */
export function bodyDeadline(seconds: number): RequestHandler {
  return (request, response, next) => {
    const timer = setTimeout(() => {
      if (!request.complete) request.destroy()
    }, seconds * 1000)
    response.once('close', () => clearTimeout(timer))
    next()
  }
}
