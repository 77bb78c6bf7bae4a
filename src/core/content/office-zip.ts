import type { RandomAccess } from '../ports.ts'
import { withZip, type ZipParts } from './zip.ts'

const CONTENT_TYPES = '[content_types].xml'
const ROOT_RELATIONSHIPS = '_rels/.rels'
const MANIFEST = 'meta-inf/manifest.xml'
/** Stands for every slide master of a presentation. */
const IWORK_MASTER = 'index/masterslide'

const WANTED: ReadonlySet<string> = new Set([
  CONTENT_TYPES,
  ROOT_RELATIONSHIPS,
  'mimetype',
  MANIFEST,
  'meta-inf/container.xml',
  'index/document.iwa',
  'index.zip',
  'index.xml',
  'index.xml.gz',
  'index.apxl',
  'index.apxl.gz',
])

const WORDS = 'application/vnd.openxmlformats-officedocument.wordprocessingml'
const SHEETS = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
const SLIDES = 'application/vnd.openxmlformats-officedocument.presentationml'

/** Content type of the main part, in lower case. Source: ECMA-376 Part 1 §15.2, MS-OFFMACRO2, MS-VSDX, MS-XLSB. */
const MAIN_PARTS: ReadonlyMap<string, string> = new Map([
  [`${WORDS}.document.main+xml`, 'docx'],
  ['application/vnd.ms-word.document.macroenabled.main+xml', 'docm'],
  [`${WORDS}.template.main+xml`, 'dotx'],
  ['application/vnd.ms-word.template.macroenabledtemplate.main+xml', 'dotm'],
  [`${SHEETS}.sheet.main+xml`, 'xlsx'],
  ['application/vnd.ms-excel.sheet.macroenabled.main+xml', 'xlsm'],
  [`${SHEETS}.template.main+xml`, 'xltx'],
  ['application/vnd.ms-excel.template.macroenabled.main+xml', 'xltm'],
  ['application/vnd.ms-excel.sheet.binary.macroenabled.main', 'xlsb'],
  [`${SLIDES}.presentation.main+xml`, 'pptx'],
  ['application/vnd.ms-powerpoint.presentation.macroenabled.main+xml', 'pptm'],
  [`${SLIDES}.slideshow.main+xml`, 'ppsx'],
  ['application/vnd.ms-powerpoint.slideshow.macroenabled.main+xml', 'ppsm'],
  [`${SLIDES}.template.main+xml`, 'potx'],
  ['application/vnd.ms-powerpoint.template.macroenabled.main+xml', 'potm'],
  ['application/vnd.ms-visio.drawing.main+xml', 'vsdx'],
  ['application/vnd.ms-visio.drawing.macroenabled.main+xml', 'vsdm'],
  ['application/vnd.ms-visio.stencil.main+xml', 'vssx'],
  ['application/vnd.ms-visio.stencil.macroenabled.main+xml', 'vssm'],
  ['application/vnd.ms-visio.template.main+xml', 'vstx'],
  ['application/vnd.ms-visio.template.macroenabled.main+xml', 'vstm'],
])

const MIME_TYPES: ReadonlyMap<string, string> = new Map([
  ['application/vnd.oasis.opendocument.text', 'odt'],
  ['application/vnd.oasis.opendocument.text-template', 'ott'],
  ['application/vnd.oasis.opendocument.spreadsheet', 'ods'],
  ['application/vnd.oasis.opendocument.spreadsheet-template', 'ots'],
  ['application/vnd.oasis.opendocument.presentation', 'odp'],
  ['application/vnd.oasis.opendocument.presentation-template', 'otp'],
  ['application/vnd.oasis.opendocument.graphics', 'odg'],
  ['application/x-vnd.oasis.opendocument.graphics', 'odg'],
  ['application/vnd.sun.xml.writer', 'sxw'],
  ['application/vnd.sun.xml.writer.template', 'stw'],
  ['application/vnd.sun.xml.calc', 'sxc'],
  ['application/vnd.sun.xml.impress', 'sxi'],
  ['application/epub+zip', 'epub'],
  ['application/hwp+zip', 'hwpx'],
])

/**
 * The extensions that a zip may carry as an office file; none for any other zip.
 *
 * @throws Damaged
 */
export function officeZipExtensions(bytes: RandomAccess): Promise<string[]> {
  const isEnough = (names: ReadonlySet<string>) => names.has(CONTENT_TYPES) && names.has(ROOT_RELATIONSHIPS)
  return withZip(bytes, partOf, isEnough, async (parts) => {
    const contentTypes = await parts.text(CONTENT_TYPES)
    if (contentTypes !== undefined) {
      return packageExtensions(contentTypes, (await parts.text(ROOT_RELATIONSHIPS)) ?? '')
    }
    const declared = MIME_TYPES.get((await declaredMimeType(parts)) ?? '')
    if (declared !== undefined) return [declared]
    if (parts.has('mimetype') || parts.has(MANIFEST)) return []
    return parts.has('meta-inf/container.xml') ? ['epub'] : iworkExtensions(parts)
  })
}

function partOf(name: string): string | undefined {
  if (name.startsWith(IWORK_MASTER)) return IWORK_MASTER
  return WANTED.has(name) ? name : undefined
}

/** Open Packaging Conventions: the root relationship names the main part, whose content type tells the format. */
function packageExtensions(contentTypes: string, relationships: string): string[] {
  const { type, target } = mainRelationship(relationships)
  // XPS has no content type of its own for a whole document: its relationship tells.
  if (type.endsWith('/fixedrepresentation')) return [type.includes('openxps') ? 'oxps' : 'xps']
  const declared = declaredTypes(contentTypes)
  const mainTypes = [...declared.values()].filter((contentType) => MAIN_PARTS.has(contentType))
  const mainType =
    declared.get(target) ??
    declared.get(target.slice(target.lastIndexOf('.'))) ??
    // Without a usable relationship only an unambiguous declaration counts.
    (new Set(mainTypes).size === 1 ? mainTypes[0] : undefined)
  const extension = MAIN_PARTS.get(mainType ?? '')
  if (extension !== 'docx') return extension === undefined ? [] : [extension]
  // ONLYOFFICE's forms are a docx with one more declaration.
  const form = ['docxf', 'oform'].find((name) => contentTypes.includes(`"${WORDS}.document.${name}"`))
  return [form ?? 'docx']
}

function mainRelationship(relationships: string): { type: string; target: string } {
  for (const [, attributes = ''] of relationships.matchAll(/<(?:[\w-]+:)?Relationship\s([^<>]*)/g)) {
    const type = attribute(attributes, 'Type')
    // `officeDocument` in its transitional and strict form, then Visio's, then XPS'.
    if (/\/(officedocument|visio\/2010\/relationships\/document|fixedrepresentation)$/.test(type)) {
      const target = URL.parse(attribute(attributes, 'Target'), 'file:///')?.pathname ?? ''
      return { type, target }
    }
  }
  return { type: '', target: '' }
}

/** Content types by part name (`/word/document.xml`) and by default of an extension (`.xml`). */
function declaredTypes(contentTypes: string): Map<string, string> {
  const types = new Map<string, string>()
  for (const [, kind, attributes = ''] of contentTypes.matchAll(
    /<(?:[\w-]+:)?(Override|Default)\s([^<>]*)/g,
  )) {
    const name =
      kind === 'Override' ? attribute(attributes, 'PartName') : `.${attribute(attributes, 'Extension')}`
    types.set(name, attribute(attributes, 'ContentType'))
  }
  return types
}

/** OpenDocument and EPUB: the part `mimetype`, in older OpenDocument files only the manifest. */
async function declaredMimeType(parts: ZipParts): Promise<string | undefined> {
  const mimeType = await parts.text('mimetype')
  if (mimeType !== undefined) return mimeType.trim().toLowerCase()
  const manifest = (await parts.text(MANIFEST)) ?? ''
  for (const [, attributes = ''] of manifest.matchAll(/<(?:[\w-]+:)?file-entry\s([^<>]*)/g)) {
    if (attribute(attributes, 'full-path') === '/') return attribute(attributes, 'media-type')
  }
  return undefined
}

/** Keynote is told by its slide masters; Pages and Numbers cannot be told apart by names alone. */
function iworkExtensions(parts: ZipParts): string[] {
  if (parts.has(IWORK_MASTER) || parts.has('index.apxl') || parts.has('index.apxl.gz')) return ['key']
  const names = ['index/document.iwa', 'index.xml', 'index.xml.gz']
  if (names.some((name) => parts.has(name))) return ['pages', 'numbers']
  return parts.has('index.zip') ? ['pages', 'numbers', 'key'] : []
}

/** Lower case, since part names and content types are compared without case; empty when missing. */
function attribute(attributes: string, name: string): string {
  const match = new RegExp(`(?:^|[\\s:])${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes)
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase()
}
