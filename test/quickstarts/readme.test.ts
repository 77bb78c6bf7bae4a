import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curl, type Program, python } from './programs.ts'
import { startReader } from './reader.ts'
import { fill } from './samples.ts'

const README = join(import.meta.dirname, '../../README.md')
const BASE_URL = 'http://localhost:3000'

const readme = await readFile(README, 'utf8')
const [, firstSteps = ''] = /^## First steps$(.*?)^## /ms.exec(readme) ?? []
const blocks = [...firstSteps.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
  language,
  code,
}))

const node: Program = { path: process.execPath, isMissing: false, note: '' }
const bash: Program = { ...curl, path: 'bash' }
const readers = [
  { language: 'sh', file: 'quickstart.sh', program: bash },
  { language: 'js', file: 'quickstart.mjs', program: node },
  { language: 'python', file: 'quickstart.py', program: python },
]

test('the first steps of the README are one block for each language', () => {
  expect(blocks.map(({ language }) => language)).toEqual(readers.map(({ language }) => language))
})

for (const { language, file, program } of readers) {
  test.skipIf(program.isMissing)(
    `${language}: the list holds the document, and the download is what was uploaded${program.note}`,
    async () => {
      await using reader = await startReader()
      const code = blocks.find((block) => block.language === language)?.code ?? ''
      await writeFile(join(reader.folder, file), fill(code, { [BASE_URL]: reader.url }))

      const printed = await reader.run(program.path, [file])

      // JSON, and JavaScript's and Python's own ways to print it.
      expect(printed).toMatch(/["']?title["']?: ?["']report["']/)
      expect(printed).toMatch(/["']?totalCount["']?: ?1\b/)
      if (language === 'sh') expect(printed).toContain('{"outcome":"unchanged"')
      expect(await readFile(join(reader.folder, 'saved.docx'))).toEqual(reader.report)
    },
  )
}
