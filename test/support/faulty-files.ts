import type { FileHandle } from 'node:fs/promises'
import * as fs from 'node:fs/promises'
import { constants } from 'node:os'
import type { Files } from '../../src/blobs/disk.ts'
import type { FaultyCalls } from './faulty-calls.ts'

const ERRNOS = new Map(Object.entries(constants.errno))

/** Calls of an open file that count; its other members work as ever. */
const HANDLE_CALLS = new Set(['write', 'writev', 'read', 'sync', 'datasync', 'stat', 'close'])

/** Called before each file-system call, with its name and path; throws to make the call fail. */
type Gate = (call: string, path: string) => void

/** Real files whose n-th call, counted from 1 and including those on open files, fails. */
export type FaultyFiles = Files & {
  /** Calls so far. */
  readonly calls: number
  /** The call that failed, like `sync /…/tmp/…`. */
  readonly failed: string | undefined
}

/**
 * @param options.failAt the one call that fails
 * @param options.failFrom this call and all after it fail
 * @param options.error code of the errors, `EIO` if absent
 * @param options.record gets a line `<call> <path>` for each call
 */
export function faultyFiles(
  options: { failAt?: number; failFrom?: number; error?: string; record?: string[] } = {},
): FaultyFiles {
  const { failAt, failFrom = Number.POSITIVE_INFINITY, error = 'EIO', record } = options
  let calls = 0
  let failed: string | undefined
  const files = gatedFiles((call, path) => {
    calls += 1
    record?.push(`${call} ${path}`)
    if (calls !== failAt && calls < failFrom) return
    failed ??= `${call} ${path}`
    throw errno(error, call, path)
  })
  return Object.defineProperties(files as FaultyFiles, {
    calls: { get: () => calls },
    failed: { get: () => failed },
  })
}

/** Real files whose calls fail with EIO as `calls` says. */
export function filesFailing(calls: FaultyCalls): Files {
  return gatedFiles((call, path) => {
    if (calls.next(`${call} ${path}`) !== undefined) throw errno('EIO', call, path)
  })
}

/** Real files on a disk that takes no more bytes while `full` is true. */
export function fullDisk(): { files: Files; full: boolean } {
  const disk = {
    full: false,
    files: gatedFiles((call, path) => {
      if (disk.full && (call === 'write' || call === 'writev')) throw errno('ENOSPC', call, path)
    }),
  }
  return disk
}

/** Real files whose writes take at most `bytesPerWrite` bytes, as the system is free to do. */
export function shortWrites(bytesPerWrite: number): Files {
  const files = gatedFiles(() => {})
  return {
    ...files,
    open: async (path, flags, mode) => {
      const handle = await files.open(path, flags, mode)
      return replace(handle, {
        writev: (chunks: Buffer[]) => handle.write(Buffer.concat(chunks).subarray(0, bytesPerWrite)),
        write: (bytes: Buffer, from: number) => handle.write(bytes.subarray(from, from + bytesPerWrite)),
      })
    },
  }
}

function gatedFiles(gate: Gate): Files {
  const gated =
    <A extends [string, ...unknown[]], R>(call: string, run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      gate(call, args[0])
      return run(...args)
    }
  return {
    open: gated('open', async (path: string, flags: string, mode?: number) =>
      gatedHandle(await fs.open(path, flags, mode), path, gate),
    ),
    rename: gated('rename', (from: string, to: string) => fs.rename(from, to)),
    unlink: gated('unlink', (path: string) => fs.unlink(path)),
    mkdir: gated('mkdir', (path: string, how: { recursive: true }) => fs.mkdir(path, how)),
    stat: gated('stat', (path: string) => fs.stat(path)),
    opendir: gated('opendir', (path: string) => fs.opendir(path)),
  }
}

function gatedHandle(handle: FileHandle, path: string, gate: Gate): FileHandle {
  const gated = [...HANDLE_CALLS].map((call) => [
    call,
    async (...args: unknown[]) => {
      try {
        gate(call, path)
      } catch (error) {
        // The system gives the descriptor back even when close() reports an error.
        if (call === 'close') await handle.close()
        throw error
      }
      return Reflect.apply(Reflect.get(handle, call), handle, args)
    },
  ])
  return replace(handle, Object.fromEntries(gated))
}

function replace(handle: FileHandle, members: Record<string, unknown>): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name]
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function errno(code: string, call: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${call} '${path}'`), {
    errno: -(ERRNOS.get(code) ?? constants.errno.EIO),
    code,
    syscall: call,
    path,
  })
}
