import { type Readable, Transform } from 'node:stream'
import { Problem } from '../errors.ts'

/**
 * A body that fails instead of ending wrongly: cut short, longer than announced or allowed, or
 * silent for `stallS`. Node ends a stream that was cut inside a chunked answer with an error by
 * itself; one with Content-Length only says so through `aborted`.
 */
export function checkedBody(
  body: Readable,
  {
    size,
    maxBytes,
    stallS,
    name,
  }: { size: number | undefined; maxBytes: number; stallS: number; name: string },
): Readable {
  let received = 0
  const stalled = () => checked.destroy(new Problem('download-failed', `${name} stalled for ${stallS} s`))
  const timer = setTimeout(stalled, stallS * 1000)

  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length
      timer.refresh()
      if (received > maxBytes)
        return done(new Problem('download-refused', `${name} is over ${maxBytes} bytes`))
      if (size !== undefined && received > size)
        return done(new Problem('download-failed', `${name} is too long`))
      done(null, chunk)
    },
    flush(done) {
      const isShort = size !== undefined && received < size
      done(
        isShort ? new Problem('download-failed', `${name} ended after ${received} of ${size} bytes`) : null,
      )
    },
    destroy(error, done) {
      clearTimeout(timer)
      body.destroy()
      done(error)
    },
  })
  body.once('error', (cause) =>
    checked.destroy(new Problem('download-failed', `${name} broke off`, { cause })),
  )
  body.once('aborted', () => checked.destroy(new Problem('download-failed', `${name} broke off`)))
  body.pipe(checked)
  return checked
}
