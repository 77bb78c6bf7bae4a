import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { checkContent } from '../../src/core/content-type.ts'
import { fileFromJson } from '../../src/core/json-content.ts'
import { memoryFile } from '../support/files.ts'
import { make, part } from './json-content/made.ts'

const PPTX = { type: 'Slide', extension: 'pptx', title: 'T' } as const

function textsOf(bytes: Buffer, slide: number): string[] {
  const xml = part(bytes, `ppt/slides/slide${slide}.xml`)
  return Array.from(xml.matchAll(/<a:t>([^<]*)<\/a:t>/g), ([, text = '']) => text)
}

test('slides have a title and points, in the places of a layout', async () => {
  const slides = [{ title: 'Q&A <1>', body: ['one', 'two\nthree'] }, { body: 'four\n\nfive' }, {}]
  const bytes = await make('Slide', { slides }, 'odp', 'My deck')

  await checkContent(memoryFile(bytes), 'pptx', 'exact')
  expect(textsOf(bytes, 1).slice(0, 4)).toEqual(['Q&amp;A &lt;1&gt;', 'one', 'two', 'three'])
  expect(textsOf(bytes, 2)).toEqual(expect.arrayContaining(['four', 'five']))
  const first = part(bytes, 'ppt/slides/slide1.xml')
  expect(first).toMatch(/<p:ph\s[^>]*type="title".*<p:ph\s[^>]*type="body"/s)
  expect(first.match(/<a:buChar/g)).toHaveLength(3)
  expect(part(bytes, 'docProps/core.xml')).toContain('<dc:title>My deck</dc:title>')
  const names = Object.keys(unzipSync(bytes)).filter((name) => /^ppt\/slides\/slide\d+\.xml$/.test(name))
  expect(names).toHaveLength(3)
})

test('a presentation without slides gets an empty one', async () => {
  const bytes = await make('Slide', { slides: [] }, 'pptx')
  expect(part(bytes, 'ppt/slides/slide1.xml')).toContain('type="title"')
})

test.each(['[{"title":7}]', '[{"title":"x"},7]', '[{"body":[1]}]', '[{"body":{}}]'])(
  'the slides %s are broken',
  (slides) =>
    expect(fileFromJson(`{"slides":${slides}}`, PPTX)).rejects.toMatchObject({
      code: 'json-content-invalid',
    }),
)

test('slides beyond the limits are refused', async () => {
  const refused = (slides: unknown[]) => expect(fileFromJson(JSON.stringify({ slides }), PPTX)).rejects
  await refused(Array.from({ length: 1001 }, () => ({}))).toThrow('slides')
  await refused([{ body: 'a\n'.repeat(50_001) }]).toThrow('lines')
  await refused([{ title: 'x'.repeat(4_000_001) }]).toThrow('characters')
})

test('control characters and halves of characters become spaces', async () => {
  const bytes = await make('Slide', { slides: [{ title: 'a\u0000b', body: 'c\ud800d\ue000' }] }, 'pptx')
  expect(textsOf(bytes, 1).slice(0, 2)).toEqual(['a b', 'c d\ue000'])
})
