import type { RequestHandler } from 'express'

/** Bodies that are read whole must arrive within `seconds`; uploads are limited by stalling instead. */
export function bodyDeadline(seconds: number): RequestHandler {
  return (request, _response, next) => {
    const { headers, socket } = request
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0)
      return next()
    // Also when the answer was given long before: what goes on arriving would hold the connection for ever.
    const timer = setTimeout(() => {
      if (!request.complete) socket.destroy()
    }, seconds * 1000)
    const clear = () => clearTimeout(timer)
    request.once('end', clear)
    socket.once('close', clear)
    request.once('close', () => socket.off('close', clear))
    next()
  }
}
