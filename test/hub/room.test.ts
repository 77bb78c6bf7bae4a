import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { MemoryBackplane } from '../../src/backplane/memory.ts'
import { createEvents } from '../../src/core/events.ts'
import type { RoomMessage } from '../../src/core/updates/room-message.ts'
import type { HubClient } from '../../src/hub/access.ts'
import { type Member, Room } from '../../src/hub/room.ts'
import type { HubConnection } from '../../src/signalr/hub.ts'
import type { HubEvent } from '../../src/signalr/hub-event.ts'

const LOG = pino({ level: 'silent' })
const bytes = (n: number) => new Uint8Array([n])
const base64 = (n: number) => Buffer.from([n]).toString('base64')

/** A log that knows updates 1 to `last`, the first `compacted` of them only as a whole. */
function logOf(last: number, { compacted = 0, isBroken = false } = {}) {
  const log = {
    position: { epoch: 1, seq: 0 },
    reads: 0,
    positionOf: async () => log.position,
    async since(_id: string, _epoch: number, seq: number) {
      log.reads += 1
      if (isBroken) throw new Error('a fault in the log')
      if (seq < compacted) return undefined
      return Array.from({ length: last - seq }, (_, at) => ({
        seq: seq + 1 + at,
        update: bytes(seq + 1 + at),
      }))
    },
    state: async () => ({ epoch: 1, seq: last, update: bytes(200), stateVector: bytes(0) }),
  }
  return log
}

async function roomOver(updates: ReturnType<typeof logOf>, headNumber = async () => 7) {
  const events = createEvents(new MemoryBackplane())
  const room = new Room('document', { events, log: LOG }, updates, headNumber)
  await room.ready
  const told: unknown[][] = []
  const closed: unknown[] = []
  const connection: HubConnection<HubClient> = {
    id: 'reader',
    client: {
      token: undefined,
      caller: { kind: 'administrator' },
      documentId: undefined,
      userId: undefined,
      userName: '',
      maySend: false,
    },
    isClosed: false,
    send: (event: HubEvent) => void told.push([event.target, ...event.args]),
    close: (reason) => void closed.push(reason),
  }
  const member: Member = {
    connection,
    about: { connectionId: 'reader', userId: 'r', userName: 'R', userColor: '#000000' },
    epoch: 1,
    awareness: undefined,
    held: undefined,
  }
  room.add(member)
  const tell = (...messages: RoomMessage[]) =>
    Promise.all(messages.map((message) => events.tellRoom('document', message)))
  const update = (seq: number, ...numbers: number[]): RoomMessage => ({
    kind: 'updates',
    epoch: 1,
    seq,
    updates: numbers.map((n) => ['writer', base64(n)]),
  })
  const received = () => told.filter(([target]) => target === 'ReceiveUpdate').map(([, data]) => data)
  return { room, member, tell, update, received, told, closed }
}

test('updates go out in order, those that come twice once', async () => {
  const { tell, update, received } = await roomOver(logOf(4))
  await tell(update(1, 1, 2), update(1, 1, 2), update(3, 3), update(2, 2), update(4, 4))
  await expect.poll(received).toEqual([1, 2, 3, 4].map(base64))
})

test('what the backplane lost is read from the log, before what came after it', async () => {
  const { tell, update, received } = await roomOver(logOf(5))
  await tell(update(1, 1), update(4, 4), update(5, 5))
  await expect.poll(received).toEqual([1, 2, 3, 4, 5].map(base64))
})

test('what was lost and compacted meanwhile comes as the whole', async () => {
  const { tell, update, received } = await roomOver(logOf(9, { compacted: 9 }))
  await tell(update(1, 1), update(9, 9), update(10, 10))
  await expect.poll(received).toEqual([base64(1), base64(200), base64(10)])
})

test('when the log cannot be read, members are sent away to come back and sync', async () => {
  const { tell, update, closed } = await roomOver(logOf(5, { isBroken: true }))
  await tell(update(1, 1), update(4, 4))
  await expect.poll(() => closed).toEqual([{ allowReconnect: true }])
})

test('an ended epoch is passed over, and its members get nothing of the new one', async () => {
  const { tell, update, received, told } = await roomOver(logOf(1))
  await tell(
    update(1, 1),
    { kind: 'restored', epoch: 2, versionNumber: 7 },
    { kind: 'updates', epoch: 1, seq: 2, updates: [['writer', base64(2)]] },
    { kind: 'updates', epoch: 2, seq: 1, updates: [['writer', base64(3)]] },
  )
  await expect.poll(() => told.at(-1)).toEqual(['DocumentRestored', 'document', 7])
  expect(received()).toEqual([base64(1)])
})

test('updates of several nodes that come in another order are put in order, without a look at the log', async () => {
  const log = logOf(5)
  const { tell, update, told } = await roomOver(log)
  await tell(update(1, 1), update(4, 4), update(3, 3), update(2, 2), update(5, 5))
  await expect.poll(() => told.length).toBe(5)
  expect(told).toEqual([1, 2, 3, 4, 5].map((n) => ['ReceiveUpdate', base64(n), 'writer', 'document']))
  expect(log.reads).toBe(0)
})

test('what a member sent does not come back from the log, neither to it nor twice to others', async () => {
  const log = logOf(4)
  const { room, tell, update, told } = await roomOver(log)
  room.sent('reader', base64(2))
  room.sent('somebody', base64(3))
  await tell(update(1, 1), update(4, 4))
  await expect.poll(() => told.length).toBe(3)
  // The messages of this node come after its log was read.
  await tell({ kind: 'updates', epoch: 1, seq: 2, updates: [['reader', base64(2)]] })
  await tell({ kind: 'updates', epoch: 1, seq: 3, updates: [['somebody', base64(3)]] })
  await tell(update(5, 5))
  await expect.poll(() => told.length).toBe(4)
  expect(told.map(([, data, from]) => [data, from])).toEqual([
    [base64(1), 'writer'],
    [base64(3), 'somebody'],
    [base64(4), 'writer'],
    [base64(5), 'writer'],
  ])
})

test('what was not stored is nobody’s when it is read after all', async () => {
  const { room, tell, update, told } = await roomOver(logOf(3))
  room.sent('reader', base64(2))
  room.notStored(base64(2))
  await tell(update(1, 1), update(3, 3))
  await expect.poll(() => told.length).toBe(3)
})

test('a message that holds something old and something new brings what is new', async () => {
  const { tell, update, received } = await roomOver(logOf(3))
  await tell(update(1, 1, 2), update(2, 2, 3))
  await expect.poll(received).toEqual([1, 2, 3].map(base64))
})

test('after a gap the log is read although nothing more is told', async () => {
  const log = logOf(3)
  const { room, tell, update, received } = await roomOver(log)
  await tell(update(1, 1))
  log.position = { epoch: 1, seq: 3 }
  await room.catchUp()
  expect(received()).toEqual([1, 2, 3].map(base64))
  await room.catchUp()
  expect([received().length, log.reads]).toEqual([3, 1])
})

test('after a gap members learn that the document was restored meanwhile', async () => {
  const log = logOf(1)
  const { room, tell, update, told } = await roomOver(log)
  await tell(update(1, 1))
  log.position = { epoch: 2, seq: 0 }
  await room.catchUp()
  await expect.poll(() => told.at(-1)).toEqual(['DocumentRestored', 'document', 7])
})

test('members learn that the document was restored, also when a newcomer or an update is the first to show it', async () => {
  for (const how of ['newcomer', 'update'] as const) {
    const { room, member, tell, told } = await roomOver(logOf(1))
    if (how === 'update') await tell({ kind: 'updates', epoch: 2, seq: 1, updates: [['writer', base64(3)]] })
    else {
      const told: unknown[] = []
      const connection = { ...member.connection, id: 'newcomer', send: (it: HubEvent) => void told.push(it) }
      room.add({ ...member, connection, about: { ...member.about, connectionId: 'newcomer' }, epoch: 2 })
      await tell({ kind: 'restored', epoch: 2, versionNumber: 7 })
      expect(told).toEqual([])
    }
    await expect.poll(() => told).toEqual([['DocumentRestored', 'document', 7]])
  }
})

test('members are sent away when it cannot be told which version was restored', async () => {
  const log = logOf(1)
  const { room, tell, closed } = await roomOver(log, async () => {
    throw new Error('database is locked')
  })
  await tell({ kind: 'updates', epoch: 2, seq: 1, updates: [['writer', base64(3)]] })
  await expect.poll(() => closed).toEqual([{ allowReconnect: true }])
  expect(room.size).toBe(1)
})

test('after a gap members are sent away when the log cannot be read', async () => {
  const log = logOf(3, { isBroken: true })
  const { room, closed } = await roomOver(log)
  log.position = { epoch: 1, seq: 3 }
  await room.catchUp()
  expect(closed).toEqual([{ allowReconnect: true }])
})

test('what other nodes say before they are heard is not missed', async () => {
  const log = logOf(0)
  const heard = Promise.withResolvers<void>()
  const events = { ...createEvents(new MemoryBackplane()), heard: () => heard.promise }
  const position = vi.spyOn(log, 'positionOf')
  const room = new Room('document', { events, log: LOG }, log, async () => 1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(position).not.toHaveBeenCalled()
  heard.resolve()
  await room.ready
  expect(position).toHaveBeenCalled()
})

test('a room that could not begin keeps nobody waiting', async () => {
  const log = logOf(0)
  log.positionOf = () => Promise.reject(new Error('database is locked'))
  const room = new Room(
    'document',
    { events: createEvents(new MemoryBackplane()), log: LOG },
    log,
    async () => 1,
  )
  const before = room.catchUp()
  await expect(room.ready).rejects.toThrow('database is locked')
  await Promise.all([before, room.catchUp()])
})
