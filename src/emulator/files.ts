import { createHash, randomInt } from 'node:crypto'
import type { Request, Response } from 'express'
import mime from 'mime-types'
import type { Faults } from './faults.ts'
import { answerWithFault } from './file-faults.ts'

const SWEEP_EVERY = 64

/** One file of the cache; `path` is below /cache/files, e.g. `data/KEY_1234/output.docx`. */
export type CacheFile = { path: string; bytes: Buffer; storedAt: Date }

type Settings = { secret: string; publicUrl: string }

/** The files that Document Server hands out by signed address. */
export class Files {
  readonly #settings: Settings
  readonly #clock: () => Date
  readonly #urlLifetimeS: number
  readonly #faults: Faults
  readonly #files = new Map<string, { file: CacheFile; expiresS: number }>()
  readonly #served = new Map<string, () => Buffer>()
  #stored = 0

  constructor(options: { settings: Settings; clock: () => Date; urlLifetimeS: number; faults: Faults }) {
    this.#settings = options.settings
    this.#clock = options.clock
    this.#urlLifetimeS = options.urlLifetimeS
    this.#faults = options.faults
  }

  /** A new folder in the cache, as each conversion gets one. */
  folder(key: string): string {
    return `data/${key}_${randomInt(1, 10_000)}`
  }

  make(path: string, bytes: Buffer): CacheFile {
    return { path, bytes, storedAt: this.#clock() }
  }

  /** A freshly signed address; from now on the file is served for the lifetime of the signature. */
  url(file: CacheFile, options: { shardkey: string; base?: string | undefined; filename?: string }): string {
    const filename = options.filename ?? file.path.slice(file.path.lastIndexOf('/') + 1)
    const expires = Math.ceil(this.#clock().getTime() / 1000) + this.#urlLifetimeS
    this.#files.delete(file.path)
    this.#files.set(file.path, { file, expiresS: expires })
    this.#sweep()
    const name = encodeURIComponent(filename)
    return (
      `${options.base ?? this.#settings.publicUrl}/cache/files/${file.path}/${name}` +
      `?md5=${this.#md5(`${file.path}/${filename}`, expires)}&expires=${expires}` +
      `&shardkey=${encodeURIComponent(options.shardkey)}&filename=${name}`
    )
  }

  /** Answers this path (of the mount point) with the bytes, unsigned. */
  serve(path: string, bytes: Buffer | (() => Buffer)): void {
    const { pathname } = new URL(path, 'http://localhost')
    this.#served.set(decodeURIComponent(pathname), typeof bytes === 'function' ? bytes : () => bytes)
  }

  isServed(path: string): boolean {
    return this.#served.has(safeDecode(path))
  }

  answer(request: Request, response: Response): void {
    const path = safeDecode(request.path)
    const served = this.#served.get(path)
    if (served) {
      this.#send(request, response, { path, bytes: served(), storedAt: this.#clock() })
      return
    }
    const inside = path.replace(/^\/cache\/files\//, '')
    const file = this.#files.get(inside.slice(0, inside.lastIndexOf('/')))?.file
    const expires = Number(request.query.expires)
    // The order of nginx's secure_link: the signature first, then the time.
    if (!Number.isInteger(expires) || request.query.md5 !== this.#md5(inside, expires)) {
      response.status(403).end()
    } else if (expires < this.#clock().getTime() / 1000) {
      response.status(410).end()
    } else if (!file) {
      response.status(404).end()
    } else {
      this.#send(request, response, file)
    }
  }

  #send(request: Request, response: Response, file: CacheFile): void {
    const fault = request.method === 'GET' ? this.#faults.takeFile(file.path) : undefined
    response.set('Content-Type', mime.lookup(file.path) || 'application/octet-stream')
    response.set('Last-Modified', file.storedAt.toUTCString())
    response.set('Content-Disposition', 'attachment')
    response.set('X-Content-Type-Options', 'nosniff')
    if (fault) {
      answerWithFault(request, response, file.bytes, fault)
      return
    }
    response.set('Content-Length', String(file.bytes.length))
    response.status(200).end(request.method === 'HEAD' ? undefined : file.bytes)
  }

  #md5(path: string, expires: number): string {
    return createHash('md5')
      .update(`${expires}/cache/files/${path}${this.#settings.secret}`)
      .digest('base64url')
  }

  /** Old signatures first: the map is in the order of signing. */
  #sweep(): void {
    this.#stored += 1
    if (this.#stored % SWEEP_EVERY !== 0) return
    const nowS = this.#clock().getTime() / 1000
    for (const [path, { expiresS }] of this.#files) {
      if (expiresS >= nowS) break
      this.#files.delete(path)
    }
  }
}

function safeDecode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
