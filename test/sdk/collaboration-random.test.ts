import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { until } from '../support/both.ts'
import { startCutLine } from './cut-line.ts'
import { newNote, openFor, type Person } from './support.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

const PEOPLE = 4
const Step = fc.record({
  who: fc.nat(PEOPLE - 1),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('insert' as const) },
    { weight: 2, arbitrary: fc.constant('delete' as const) },
    { weight: 1, arbitrary: fc.constant('disconnect' as const) },
    { weight: 1, arbitrary: fc.constant('connect' as const) },
    { weight: 1, arbitrary: fc.constant('cut' as const) },
    { weight: 2, arbitrary: fc.constant('wait' as const) },
  ),
  at: fc.nat(1000),
})

const wordsOf = ({ doc }: Person) => doc.getArray<string>('words')

test('whatever is written, and whoever is cut off: all end with the same, nothing lost, nothing twice', async () => {
  await using line = await startCutLine(app.url)
  await fc.assert(
    fc.asyncProperty(fc.array(Step, { minLength: 20, maxLength: 80 }), async (steps) => {
      const id = await newNote(app)
      const people = Array.from({ length: PEOPLE }, () => openFor(app, id, { serverUrl: line.url }))
      try {
        const deleted = new Set<string>()
        const inserted = new Set<string>()
        for (const [number, { who, what, at }] of steps.entries()) {
          const person = people[who]
          if (person === undefined) continue
          const words = wordsOf(person)
          const index = words.length === 0 ? 0 : at % words.length
          if (what === 'insert') {
            inserted.add(`word ${number}`)
            words.insert(index, [`word ${number}`])
          } else if (what === 'delete' && words.length > 0) {
            deleted.add(words.get(index))
            words.delete(index, 1)
          } else if (what === 'disconnect') person.collaboration.disconnect()
          else if (what === 'connect') person.collaboration.connect()
          else if (what === 'cut') line.cut()
          // A turn of the network, so that steps fall into all phases of a connection.
          else if (what === 'wait') await app.fetch('/api/templates')
        }
        for (const { collaboration } of people) collaboration.connect()
        const expected = [...inserted.difference(deleted)].toSorted()
        const isDone = (person: Person) =>
          person.collaboration.isSynced &&
          person.collaboration.isSaved &&
          wordsOf(person).length === expected.length
        await until(() => people.every(isDone))

        const [first, ...others] = people.map((person) => wordsOf(person).toArray())
        expect(first?.toSorted()).toEqual(expected)
        for (const other of others) expect(other).toEqual(first)

        // And what is stored is the same.
        using late = openFor(app, id)
        await until(() => late.collaboration.isSynced)
        expect(wordsOf(late).toArray()).toEqual(first)
      } finally {
        for (const person of people) person[Symbol.dispose]()
      }
    }),
    // A failing run waits long: shrinking would take minutes.
    { numRuns: 10, endOnFailure: true },
  )
})
