import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rowsOver } from '../core/document-rows.ts'
import { rowsContract } from './rows.ts'

rowsContract(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const rows = await rowsOver(`sqlite:${folder}/metadata.sqlite`)
  return {
    rows,
    other: rows.database,
    async [Symbol.asyncDispose]() {
      await rows[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
