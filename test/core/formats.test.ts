import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  canComment,
  canEdit,
  canEditLossy,
  canFill,
  canOpen,
  canReview,
  FORMATS,
  type Format,
  formatOf,
  mimeTypeOf,
  nutoTypeOf,
} from '../../src/core/formats.ts'

const OFFICIAL = new URL('../../../shared/data/onlyoffice-docs-formats.json', import.meta.url)

type OfficialFormat = { name: string; type: string; actions: string[]; convert: string[]; mime: string[] }

test.skipIf(!existsSync(OFFICIAL))(
  "the table says what ONLYOFFICE's own table says (skipped where that file is absent)",
  () => {
    const official: OfficialFormat[] = JSON.parse(readFileSync(OFFICIAL, 'utf8'))

    expect(FORMATS.map((format) => format.extension).toSorted()).toEqual(
      official.map((format) => format.name).toSorted(),
    )
    for (const theirs of official) {
      const ours = known(theirs.name)
      // One entry of theirs holds two types in one string.
      const mimeTypes = theirs.mime.flatMap((type) => type.split(/,\s*/))
      expect(
        {
          type: ours.type ?? '',
          actions: ours.actions,
          conversions: ours.conversions,
          mimeTypes: mimeTypes.length > 0 ? ours.mimeTypes : [],
        },
        theirs.name,
      ).toEqual({
        type: theirs.type,
        actions: new Set(theirs.actions),
        conversions: new Set(theirs.convert),
        mimeTypes,
      })
    }
  },
)

test('every extension stands in the table once', () => {
  expect(new Set(FORMATS.map((format) => format.extension)).size).toBe(FORMATS.length)
})

test('an extension is found in any case, and only whole', () => {
  expect(formatOf('DOCX')).toBe(formatOf('docx'))
  for (const unknown of ['', '.docx', 'docx ', 'doc x', 'exe', 'constructor', '__proto__']) {
    expect(formatOf(unknown), unknown).toBeUndefined()
  }
})

test('the 25 extensions of the TMA list can be opened', () => {
  const extensions =
    'docx doc docm dotx dotm dot xlsx xls xlsm xlsb xltx xltm csv pptx ppt pptm ppsx ppsm pps potx potm odt ods odp pdf'
  const opened = extensions.split(' ').filter((extension) => canOpen(known(extension)))
  expect(opened).toHaveLength(25)
})

test('images and archives cannot be opened in the editor', () => {
  for (const extension of ['png', 'jpg', 'tiff', 'zip', 'pdfa']) {
    expect(canOpen(known(extension)), extension).toBe(false)
  }
})

test('what can be done with a format', () => {
  const abilities = (extension: string) => {
    const format = known(extension)
    const all = { canOpen, canEdit, canEditLossy, canFill, canComment, canReview }
    return Object.entries(all).flatMap(([name, can]) => (can(format) ? [name] : []))
  }
  expect(abilities('docx')).toEqual(['canOpen', 'canEdit', 'canComment', 'canReview'])
  expect(abilities('xlsx')).toEqual(['canOpen', 'canEdit', 'canComment'])
  expect(abilities('odt')).toEqual(['canOpen', 'canEditLossy', 'canComment', 'canReview'])
  expect(abilities('pdf')).toEqual(['canOpen', 'canEdit', 'canFill', 'canComment'])
  expect(abilities('doc')).toEqual(['canOpen'])
  expect(abilities('zip')).toEqual([])
})

test('a format is served under its first MIME type', () => {
  expect(mimeTypeOf('docx')).toBe('application/vnd.openxmlformats-officedocument.wordprocessingml.document')
  expect(mimeTypeOf('CSV')).toBe('text/csv')
  expect(mimeTypeOf('vsdx')).toBe('application/vnd.ms-visio.drawing')
  expect(mimeTypeOf('jpeg')).toBe('image/jpeg')
  expect(mimeTypeOf('et')).toBe('application/octet-stream')
  expect(mimeTypeOf('nothing-known')).toBe('application/octet-stream')
})

test('Nuto sees documents, sheets and slides', () => {
  const types = ['docx', 'xlsx', 'pptx', 'pdf', 'vsdx'].map((extension) => nutoTypeOf(known(extension)))
  expect(types).toEqual(['Docs', 'Sheet', 'Slide', 'Docs', 'Docs'])
})

function known(extension: string): Format {
  const format = formatOf(extension)
  if (!format) throw new Error(`${extension} is not in the table`)
  return format
}
