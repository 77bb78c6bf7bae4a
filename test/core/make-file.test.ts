import { expect, test } from 'vitest'
import { createMakeFile } from '../../src/core/json-content/make-file.ts'
import { docxParagraphs } from '../support/files.ts'

const DOCX = { type: 'Docs', extension: 'docx', title: 'Large' } as const

function paragraphs(count: number): string {
  const content = Array.from({ length: count }, (_, n) => ({
    type: 'paragraph',
    content: [{ type: 'text', text: `paragraph ${n}` }],
  }))
  return JSON.stringify({ type: 'doc', content })
}

test('a large file is made while everything else goes on', async () => {
  const makeFile = createMakeFile()
  let turns = 0
  const turning = setInterval(() => {
    turns += 1
  }, 5)

  const made = await makeFile(paragraphs(20_000), DOCX)

  clearInterval(turning)
  expect(docxParagraphs(made?.bytes ?? Buffer.alloc(0))).toHaveLength(20_000)
  expect(turns).toBeGreaterThan(10)
})

test('what is wrong with a large one is told as with a small one', async () => {
  const makeFile = createMakeFile()
  await expect(makeFile(`${paragraphs(2000)}]`, DOCX)).rejects.toMatchObject({ code: 'json-content-invalid' })
  expect(await makeFile(JSON.stringify({ other: 'x'.repeat(50_000) }), DOCX)).toBeUndefined()
})

test('more than a few waiting ones are refused', async () => {
  const makeFile = createMakeFile()
  const answers = await Promise.allSettled(Array.from({ length: 12 }, () => makeFile(paragraphs(2000), DOCX)))
  const refused = answers.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]).toMatchObject({ reason: { code: 'conversion-busy' } })
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(9)
})
