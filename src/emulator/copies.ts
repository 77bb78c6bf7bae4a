import { savedType } from './bodies.ts'
import type { Files } from './files.ts'
import { convertWithOffice } from './office.ts'
import type { Work } from './work.ts'

export type Copy = { url: string; fileType: string; title: string }

type Parts = { files: Files; work: Work; office: string | undefined }

/**
 * A file of its own, as "Save copy as" and `downloadAs` make it.
 *
 * @param wanted another type than the source's, which needs LibreOffice
 * @returns undefined when it cannot be converted
 */
export async function makeCopy(
  { files, work, office }: Parts,
  source: { key: string; title: string; fileType: string; bytes: Buffer },
  wanted?: string,
): Promise<Copy | undefined> {
  const own = savedType(source.fileType)
  const to = wanted ?? own
  if (!/^[a-z0-9]{1,10}$/.test(to)) return undefined
  const bytes =
    to === own || to === source.fileType
      ? source.bytes
      : await convertWithOffice(source.bytes, {
          from: source.fileType,
          to,
          program: office,
          signal: work.signal,
        })
  if (!bytes) return undefined
  const file = files.make(`${files.folder(source.key)}/output.${to}`, bytes)
  const title = `${source.title.replace(/\.[^.]*$/, '')}.${to}`
  return { url: files.url(file, { shardkey: source.key }), fileType: to, title }
}
