import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type CutLine = AsyncDisposable & {
  url: string
  /** Breaks all connections; false: and lets no new ones through. */
  cut(options?: { isBack: boolean }): void
  /** Lets connections through again. */
  mend(): void
  /** What the service answers waits. */
  hold(): void
  release(): void
}

/** The way to a service, to be broken in the middle. */
export async function startCutLine(serviceUrl: string): Promise<CutLine> {
  const { hostname, port } = new URL(serviceUrl)
  const pairs = new Set<[near: Socket, far: Socket]>()
  let isOpen = true
  const server = createServer((near) => {
    if (!isOpen) return near.destroy()
    const far = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const breakAll = () => {
    for (const [near, far] of [...pairs]) {
      near.destroy()
      far.destroy()
    }
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut({ isBack } = { isBack: true }) {
      isOpen = isBack
      breakAll()
    },
    mend() {
      isOpen = true
    },
    hold() {
      for (const [near, far] of pairs) far.unpipe(near)
    },
    release() {
      for (const [near, far] of pairs) far.pipe(near)
    },
    async [Symbol.asyncDispose]() {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}
