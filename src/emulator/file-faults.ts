import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import type { Request, Response } from 'express'
import type { FileFault } from './faults.ts'

const MEBIBYTE = 1024 * 1024
const TICKS_PER_S = 10

export function answerWithFault(request: Request, response: Response, bytes: Buffer, fault: FileFault): void {
  switch (fault.kind) {
    case 'status':
      response.status(fault.status).end()
      break
    case 'redirect':
      response.redirect(302, fault.location ?? request.originalUrl)
      break
    case 'empty':
      sendAll(response, Buffer.alloc(0))
      break
    case 'bytes':
      sendAll(response, fault.bytes)
      break
    case 'truncate':
      sendPart(response, bytes, fault.bytes ?? Math.floor(bytes.length / 2), () => response.destroy())
      break
    case 'stall':
      sendPart(response, bytes, fault.bytes ?? 0, () => {})
      break
    case 'wrongLength':
      sendWrongLength(response, bytes, fault.by ?? -10)
      break
    case 'endless':
      sendEndless(response)
      break
    case 'gzipBomb':
      response.set('Content-Encoding', 'gzip')
      sendAll(response, gzipSync(Buffer.alloc(fault.unpackedBytes ?? 256 * MEBIBYTE)))
      break
    case 'slow':
      sendSlowly(response, bytes, fault.bytesPerSecond)
      break
  }
}

function sendAll(response: Response, bytes: Buffer): void {
  response.set('Content-Length', String(bytes.length))
  response.status(200).end(bytes)
}

function sendPart(response: Response, bytes: Buffer, count: number, then: () => void): void {
  response.set('Content-Length', String(bytes.length))
  response.status(200).flushHeaders()
  if (count === 0) then()
  else response.write(bytes.subarray(0, count), then)
}

function sendWrongLength(response: Response, bytes: Buffer, by: number): void {
  response.set('Content-Length', String(Math.max(0, bytes.length + by)))
  response.status(200).flushHeaders()
  // Past the announced length a connection is good for nothing; closing it also ends a too long wait.
  response.write(bytes, () => response.socket?.end())
}

function sendEndless(response: Response): void {
  const chunk = Buffer.alloc(64 * 1024)
  const zeros = new Readable({
    read() {
      this.push(chunk)
    },
  })
  response.on('close', () => zeros.destroy())
  zeros.on('error', () => {})
  zeros.pipe(response.status(200))
}

function sendSlowly(response: Response, bytes: Buffer, bytesPerSecond: number): void {
  response.set('Content-Length', String(bytes.length))
  response.status(200).flushHeaders()
  const step = Math.max(1, Math.floor(bytesPerSecond / TICKS_PER_S))
  let at = 0
  const timer = setInterval(() => {
    response.write(bytes.subarray(at, at + step))
    at += step
    if (at >= bytes.length) response.end()
  }, 1000 / TICKS_PER_S)
  timer.unref()
  // Also when the response has ended well.
  response.on('close', () => clearInterval(timer))
}
