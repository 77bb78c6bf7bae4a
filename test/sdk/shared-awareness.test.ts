import { expect, test } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { SharedAwareness } from '../../src/sdk/shared-awareness.ts'

/** One page with its awareness, and what another one tells it. */
function scene() {
  const doc = new Y.Doc()
  const otherDoc = new Y.Doc()
  const awareness = new Awareness(doc)
  const other = new Awareness(otherDoc)
  const shared = new SharedAwareness(awareness, 'hub')
  return {
    shared,
    other,
    told: () => encodeAwarenessUpdate(other, [other.clientID]),
    seen: () => awareness.getStates().get(other.clientID)?.caret,
    [Symbol.dispose]() {
      shared.destroy()
      doc.destroy()
      otherDoc.destroy()
    },
  }
}

test('who did not move meanwhile is seen again after a new connection', () => {
  using page = scene()
  page.other.setLocalState({ caret: 3 })
  const told = page.told()
  page.shared.apply(told, 'first')
  expect(page.seen()).toBe(3)
  page.shared.stop()
  expect(page.seen()).toBeUndefined()
  page.shared.apply(told, 'second')
  expect(page.seen()).toBe(3)
})

test('who came back stays when the old connection is found dead later', () => {
  using page = scene()
  page.other.setLocalState({ caret: 3 })
  page.shared.apply(page.told(), 'old')
  page.other.setLocalState({ caret: 4 })
  page.shared.apply(page.told(), 'new')
  page.shared.forget('old')
  expect(page.seen()).toBe(4)
  page.shared.forget('new')
  expect(page.seen()).toBeUndefined()
})
