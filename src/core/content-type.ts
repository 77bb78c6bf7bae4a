import { Problem } from '../errors.ts'
import { Damaged } from './content/damaged.ts'
import { officeZipExtensions } from './content/office-zip.ts'
import { OLE_SIGNATURE, oleTopNames } from './content/ole.ts'
import { sampleText, type TextSample } from './content/text.ts'
import { formatOf } from './formats.ts'
import type { RandomAccess } from './ports.ts'

const HEAD_BYTES = 64 * 1024
/** A part at the start, or an archive without parts. */
const ZIP_SIGNATURES = ['504b0304', '504b0506']
/** What file-type asks for. */
const MAGIC_BYTES = 4100

/** What the bytes of a file are, whatever its name says. */
export type Detected = {
  /** For people, after "The file is": `an XLSX workbook`. */
  what: string
  /** All extensions that such bytes may carry; none for what is damaged or unknown. */
  extensions: readonly string[]
}

const OOXML_WORDS = ['docx', 'docm', 'dotx', 'dotm', 'docxf', 'oform']
const OOXML_SHEETS = ['xlsx', 'xlsm', 'xltx', 'xltm', 'xlsb']
const OOXML_SLIDES = ['pptx', 'pptm', 'ppsx', 'ppsm', 'potx', 'potm']
const OLE_WORDS = ['doc', 'dot', 'wps', 'wpt']
const OLE_SHEETS = ['xls', 'xlt', 'et', 'ett']
const OLE_SLIDES = ['ppt', 'pps', 'pot', 'dps', 'dpt']
const ANY_TEXT = ['txt', 'csv', 'tsv', 'md', 'gdoc', 'gsheet', 'gslides']
const FLAT_ODF = ['fodt', 'fods', 'fodp']

/** Formats that differ in a nuance only, for `family`. A format outside stands for itself. */
const FAMILIES: readonly (readonly string[])[] = [
  OOXML_WORDS,
  OOXML_SHEETS,
  OOXML_SLIDES,
  ['vsdx', 'vsdm', 'vssx', 'vssm', 'vstx', 'vstm'],
  ['odt', 'ott', 'sxw', 'stw'],
  ['ods', 'ots', 'sxc'],
  ['odp', 'otp', 'sxi', 'odg'],
  [...OLE_WORDS, ...OLE_SHEETS, ...OLE_SLIDES, 'hwp'],
  [...ANY_TEXT, ...FLAT_ODF, 'html', 'htm', 'xml', 'fb2', 'hml', 'mht', 'mhtml'],
  ['xps', 'oxps'],
  ['pdf', 'pdfa'],
  ['pages', 'numbers', 'key'],
]

/**
 * Looks at the bytes of a file: the first 64 KiB, then a few bounded reads where the container
 * keeps its directory. Never throws because of what a file holds.
 */
export async function detectContent(bytes: RandomAccess): Promise<Detected> {
  if (bytes.size === 0) return { what: 'empty', extensions: ANY_TEXT }
  const head = await bytes.read(0, HEAD_BYTES)
  const start = head.toString('latin1', 0, 1024)
  if (ZIP_SIGNATURES.includes(head.toString('hex', 0, 4))) return orDamaged('ZIP archive', detectZip(bytes))
  if (head.subarray(0, 8).equals(OLE_SIGNATURE)) return orDamaged('OLE file', detectOle(bytes))
  if (start.startsWith('%PDF-')) return named('pdf', 'pdfa')
  if (start.startsWith('{\\rtf')) return named('rtf')
  if (start.startsWith('AT&TFORM')) return named('djvu')
  if (start.startsWith('HWP Document File')) return named('hwp')
  if (isBareWorkbook(head)) return named('xls', 'xlt')
  const text = await sampleText(bytes, head)
  if (text?.isUnicode) return detectText(text)
  const magic = await magicExtension(head)
  // Ordinary words begin with BM (bmp) and MZ (exe): against text, only a longer mark counts.
  if (text && (magic === undefined || magic === 'bmp' || magic === 'exe')) return detectText(text)
  // Readers look for the mark of a PDF anywhere in its first kilobyte (PDF Reference 1.7, Appendix H.3, note 13).
  if (start.includes('%PDF-')) return named('pdf', 'pdfa')
  if (magic === undefined) return { what: 'binary data of an unknown type', extensions: [] }
  return named(magic, ...(magic === 'tif' ? ['tiff'] : magic === 'heic' ? ['heif'] : []))
}

/**
 * Compares the bytes of a file with its extension.
 *
 * `exact` is for uploads and for opening: a document with macros is not a DOCX. Formats that share their
 * bytes (DOC and DOT, PPT, PPS and POT) pass for each other. `family` is for what Document Server saves: any
 * Word type of OOXML passes for any other, because a save must never be refused for a nuance.
 *
 * @param extension in any case, without the dot
 * @throws Problem `content-mismatch`, `extension-unsupported` for one outside ONLYOFFICE's table
 */
export async function checkContent(
  bytes: RandomAccess,
  extension: string,
  strictness: 'exact' | 'family',
): Promise<void> {
  const wanted = formatOf(extension)?.extension
  if (wanted === undefined) throw new Problem('extension-unsupported', `No editor opens .${extension} files`)
  const detected = await detectContent(bytes)
  if (detected.extensions.includes(wanted)) return
  if (strictness === 'family' && isRelated(detected, wanted)) return
  throw new Problem('content-mismatch', `The file is ${detected.what}, not ${wanted.toUpperCase()}`)
}

function isRelated(detected: Detected, wanted: string): boolean {
  const family = FAMILIES.find((extensions) => extensions.includes(wanted)) ?? []
  return detected.extensions.some((extension) => family.includes(extension))
}

async function detectZip(bytes: RandomAccess): Promise<Detected> {
  const extensions = await officeZipExtensions(bytes)
  return extensions.length > 0 ? named(...extensions) : named('zip')
}

async function detectOle(bytes: RandomAccess): Promise<Detected> {
  const names = await oleTopNames(bytes)
  const has = (...any: string[]) => any.some((name) => names.has(name))
  if (has('encryptedpackage')) {
    // The type within cannot be seen without the password: it passes for every OOXML type.
    const extensions = [...OOXML_WORDS, ...OOXML_SHEETS, ...OOXML_SLIDES]
    return { what: 'an Office file encrypted with a password', extensions }
  }
  if (has('worddocument')) return named(...OLE_WORDS)
  if (has('workbook', 'book')) return named(...OLE_SHEETS)
  if (has('powerpoint document', 'pp40')) return named(...OLE_SLIDES)
  if (has('fileheader') && has('bodytext', 'docinfo')) return named('hwp')
  // Works and the old WPS Office have streams of their own that are not documented.
  const others = ['wps', 'wpt', 'et', 'ett', 'dps', 'dpt']
  return { what: 'an OLE file without a document of Word, Excel or PowerPoint', extensions: others }
}

/** Excel 2 to 4 wrote the stream alone, beginning with BOF. Source: OpenOffice's Excel format §5.8. */
function isBareWorkbook(head: Buffer): boolean {
  if (head.length < 4) return false
  const recordBytes = head.readUInt16LE(2)
  return [0x0009, 0x0209, 0x0409].includes(head.readUInt16LE(0)) && recordBytes >= 4 && recordBytes <= 16
}

async function magicExtension(head: Buffer): Promise<string | undefined> {
  // Loaded at first use: office files and Unicode text, which are nearly all, do not need it.
  const { fileTypeFromBuffer } = await import('file-type')
  try {
    return (await fileTypeFromBuffer(head.subarray(0, MAGIC_BYTES)))?.ext
  } catch {
    // It also unpacks archives and may stumble over a cut one: that is an unknown type, no fault.
    return undefined
  }
}

function detectText({ start }: TextSample): Detected {
  const isXml = /^\uFEFF?\s*</.test(start)
  const isMarkup = /<\/?[a-z][^<>]*>|<!doctype|<!--/i.test(start)
  const isMail = /^(mime-version|content-type):/im.test(start)
  const flat = FLAT_ODF[['text', 'spreadsheet', 'presentation'].indexOf(flatOdfType(start))]
  const extensions = [...ANY_TEXT]
  if (isMarkup) extensions.push('html', 'htm')
  if (isXml) extensions.push('xml')
  if (flat !== undefined) extensions.push(flat)
  if (/<FictionBook\b/.test(start)) extensions.push('fb2')
  if (isMail) extensions.push('mht', 'mhtml')
  if (/<HWPML\b/.test(start) || isMail) extensions.push('hml')
  if (start.slice(0, 1024).includes('%PDF-')) extensions.push('pdf', 'pdfa')
  return { what: isXml ? 'a text with markup' : 'plain text', extensions }
}

function flatOdfType(start: string): string {
  const type = /office:mimetype\s*=\s*["']application\/vnd\.oasis\.opendocument\.([a-z]+)/.exec(start)
  return type?.[1] ?? ''
}

/** @param extensions the first one gives the name */
function named(...extensions: string[]): Detected {
  const name = (extensions[0] ?? '').toUpperCase()
  const nouns = {
    word: 'document',
    cell: 'workbook',
    slide: 'presentation',
    pdf: 'document',
    diagram: 'drawing',
  }
  const type = formatOf(name)?.type
  const noun = type ? nouns[type] : name === 'ZIP' ? 'archive' : 'file'
  // Letters that are spoken with a vowel first: an XLSX, an ODT.
  return { what: `${/^[AEFHILMNORSX]/.test(name) ? 'an' : 'a'} ${name} ${noun}`, extensions }
}

async function orDamaged(container: string, detection: Promise<Detected>): Promise<Detected> {
  try {
    return await detection
  } catch (error) {
    // All else, such as a disk that fails, is no finding about the file.
    if (!(error instanceof Damaged)) throw error
    return { what: `a damaged ${container}`, extensions: [] }
  }
}
