import type { lookup } from 'node:dns'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createAddressGuard } from '../../src/webhooks/address-guard.ts'
import { HttpWebhookSender } from '../../src/webhooks/http-sender.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function listening(
  listener: RequestListener,
  host = '127.0.0.1',
): Promise<{ port: number; server: Server }> {
  const server = createServer(listener)
  open.push({
    close() {
      server.closeAllConnections()
      server.close()
    },
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return { port: (server.address() as AddressInfo).port, server }
}

function senderFor(allowed: string[], timeoutMs?: number) {
  return new HttpWebhookSender(createAddressGuard(allowed), timeoutMs)
}

const order = (url: string, mayBeInternal = false) => ({ url, headers: {}, body: '{}', mayBeInternal })

test.each([
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:10.0.0.1]',
  '[::127.0.0.1]',
  '[fe80::1]',
  '[fec0::1]',
  '[fd00::1]',
  '[ff02::1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001::1]',
  '[2001:db8::1]',
  '[4000::1]',
])('the internal address %s is refused, before and at sending', async (host) => {
  const sender = senderFor([])
  expect(() => sender.demandAllowed(`http://${host}/`)).toThrow(
    expect.objectContaining({ code: 'webhook-address-refused' }),
  )
  expect(await sender.send(order(`http://${host}:9/`))).toEqual({
    status: undefined,
    error: 'the address is an internal one',
  })
})

test.each(['8.8.8.8', '[2606:4700::1111]', 'example.com', 'localhost'])(
  '%s can be named: names are looked at when they are connected to',
  (host) => {
    senderFor([]).demandAllowed(`https://${host}/`)
  },
)

test('a name that leads inside is refused at connecting', async () => {
  let requests = 0
  const { port } = await listening((_request, response) => {
    requests += 1
    response.end()
  })
  const sender = senderFor([])
  for (const name of ['localhost', 'LOCALHOST'])
    expect(await sender.send(order(`http://${name}:${port}/`))).toEqual({
      status: undefined,
      error: 'the name leads to an internal address',
    })
  expect(requests).toBe(0)
})

test('a name that changes its address after it was looked at leads nowhere', async () => {
  let answers = 0
  // 192.0.2.1 stands for an address of the internet; here it is admitted so that the first look passes.
  const resolve = ((_name: string, _options: object, callback: (...all: unknown[]) => void) => {
    answers += 1
    callback(null, [{ address: answers === 1 ? '192.0.2.1' : '127.0.0.1', family: 4 }])
  }) as unknown as typeof lookup
  const guard = createAddressGuard(['192.0.2.0/24'], resolve)
  const ask = () =>
    new Promise((settle) =>
      guard.lookup('rebinding.example', { all: true }, (error, found) => settle(error?.message ?? found)),
    )
  expect(await ask()).toEqual([{ address: '192.0.2.1', family: 4 }])
  expect(await ask()).toBe('the name leads to an internal address')
})

test.each([[['127.0.0.1']], [['127.0.0.0/8']], [['localhost']]])(
  '%s admits what it names',
  async (allowed) => {
    const { port } = await listening((_request, response) => response.end())
    const host = allowed.includes('localhost') ? 'localhost' : '127.0.0.1'
    expect(await senderFor(allowed).send(order(`http://${host}:${port}/`))).toEqual({ status: 200 })
    expect(() => senderFor(allowed).demandAllowed('http://10.0.0.1/')).toThrow()
  },
)

test('the administrator’s own address may be internal', async () => {
  const { port } = await listening((_request, response) => response.end())
  expect(await senderFor([]).send(order(`http://127.0.0.1:${port}/`, true))).toEqual({ status: 200 })
})

test('a redirect to inside is not followed', async () => {
  let inside = 0
  const target = await listening((_request, response) => {
    inside += 1
    response.end()
  })
  const { port } = await listening((_request, response) =>
    response.writeHead(307, { location: `http://localhost:${target.port}/` }).end(),
  )
  expect(await senderFor(['127.0.0.1']).send(order(`http://127.0.0.1:${port}/`))).toEqual({ status: 307 })
  expect(inside).toBe(0)
})

test('a proxy of the environment is not used', async () => {
  const { port } = await listening((_request, response) => response.end())
  process.env.http_proxy = 'http://127.0.0.1:9'
  const answer = await senderFor(['127.0.0.1']).send(order(`http://127.0.0.1:${port}/`))
  delete process.env.http_proxy
  expect(answer).toEqual({ status: 200 })
})

test('of an answer without end 64 KiB are read, and its status counts', async () => {
  let written = 0
  const closed = Promise.withResolvers<void>()
  const { port } = await listening((_request, response) => {
    const more = () => {
      let hasRoom = true
      while (hasRoom && !response.destroyed) {
        hasRoom = response.write(Buffer.alloc(65_536))
        written += 65_536
      }
    }
    response.on('drain', more).on('close', closed.resolve)
    more()
  })
  expect(await senderFor(['127.0.0.1']).send(order(`http://127.0.0.1:${port}/`))).toEqual({ status: 200 })
  await closed.promise
  expect(written).toBeLessThan(32 * 1024 * 1024)
})

test('no answer within the time is a failure, and an endless trickle ends with it', async () => {
  const silent = await listening(() => {})
  const sender = senderFor(['127.0.0.1'], 200)
  expect(await sender.send(order(`http://127.0.0.1:${silent.port}/`))).toEqual({
    status: undefined,
    error: 'no answer in time',
  })
  const trickle = await listening((_request, response) => {
    const timer = setInterval(() => response.write('.'), 20)
    response.on('close', () => clearInterval(timer))
  })
  expect(await sender.send(order(`http://127.0.0.1:${trickle.port}/`))).toEqual({ status: 200 })
})

test('faults of the connection are named without the address', async () => {
  const garbage = createTcpServer((socket) => socket.end('nonsense\r\n\r\n'))
  open.push(garbage)
  await new Promise<void>((resolve) => garbage.listen(0, '127.0.0.1', resolve))
  const { port } = garbage.address() as AddressInfo
  const answer = await senderFor(['127.0.0.1']).send(order(`http://127.0.0.1:${port}/?token=hidden`))
  expect(answer.status).toBeUndefined()
  expect(answer.error).toMatch(/^HPE_/)
  expect(await senderFor(['127.0.0.1']).send(order('http://127.0.0.1:9/'))).toEqual({
    status: undefined,
    error: 'ECONNREFUSED',
  })
})
