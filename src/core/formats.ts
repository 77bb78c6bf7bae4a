import { lookup } from 'mime-types'

/** `documentType` of the editor's config. */
export type DocumentType = 'word' | 'cell' | 'slide' | 'pdf' | 'diagram'

/** The three kinds of document of the Nuto API. */
export type NutoType = 'Docs' | 'Sheet' | 'Slide'

const ACTIONS = [
  'view',
  'edit',
  'lossy-edit',
  'auto-convert',
  'review',
  'comment',
  'fill',
  'customfilter',
  'encrypt',
] as const

/**
 * What the editor does with a format: `lossy-edit` may lose what the format cannot hold, `auto-convert`
 * opens it as its OOXML counterpart, `customfilter` lets people set filters of their own in a view.
 */
export type Action = (typeof ACTIONS)[number]

export type Format = {
  /** Lower case, without the dot. */
  extension: string
  /** Undefined for what only comes out of conversions (images, archives). */
  type: DocumentType | undefined
  actions: ReadonlySet<Action>
  /** Extensions that Document Server converts it to, and `pdfa`. */
  conversions: ReadonlySet<string>
  /** The first one is the one to serve. */
  mimeTypes: readonly [string, ...string[]]
}

const IMAGES = 'bmp gif jpg pdf pdfa png'
const TEXTS = `${IMAGES} docx docm dotm dotx epub fb2 html md odt ott rtf txt`
const SHEETS = `${IMAGES} xlsx csv ods ots tsv xlsm xltm xltx`
const SLIDES = `${IMAGES} pptx odp otp potm potx ppsm ppsx pptm`
const SLIDES_AND_TEXT = `${SLIDES} txt`

const CONVERTED = 'view auto-convert'
const WORD_EDITED = 'view edit review comment encrypt'
const CELL_EDITED = 'view edit customfilter comment encrypt'
const SLIDE_EDITED = 'view edit comment encrypt'

const OOXML = 'application/vnd.openxmlformats-officedocument'
const ODF = 'application/vnd.oasis.opendocument'
const PDF = 'application/pdf application/acrobat application/nappdf application/x-pdf image/pdf'

/** Extension, actions, MIME types, and conversions where they are not those of the whole group. */
type Row = readonly [extension: string, actions: string, mimeTypes: string, conversions?: string]

const WORD: readonly Row[] = [
  ['docx', WORD_EDITED, `${OOXML}.wordprocessingml.document`],
  ['docm', WORD_EDITED, 'application/vnd.ms-word.document.macroenabled.12'],
  ['dotx', WORD_EDITED, `${OOXML}.wordprocessingml.template`],
  ['dotm', WORD_EDITED, 'application/vnd.ms-word.template.macroenabled.12'],
  ['odt', 'view lossy-edit auto-convert review comment encrypt', `${ODF}.text`],
  ['ott', 'view lossy-edit auto-convert review comment encrypt', `${ODF}.text-template`],
  ['rtf', 'view lossy-edit auto-convert review comment', 'application/rtf text/rtf'],
  ['epub', 'view lossy-edit auto-convert', 'application/epub+zip'],
  ['fb2', 'view lossy-edit auto-convert', 'text/fb2+xml application/x-fictionbook+xml'],
  ['html', 'view lossy-edit auto-convert', 'text/html'],
  ['txt', 'view lossy-edit', 'text/plain'],
  ['doc', CONVERTED, 'application/msword'],
  ['dot', CONVERTED, 'application/msword'],
  ['fodt', CONVERTED, `${ODF}.text-flat-xml`],
  ['hml', CONVERTED, 'multipart/related'],
  ['htm', CONVERTED, 'text/html', TEXTS.replace(' html', '')],
  ['hwp', CONVERTED, 'application/x-hwp application/x-hwp-v5'],
  ['hwpx', CONVERTED, 'application/x-hwpx'],
  ['md', CONVERTED, 'text/markdown'],
  ['mht', CONVERTED, 'message/rfc822'],
  ['mhtml', CONVERTED, 'message/rfc822'],
  ['pages', CONVERTED, 'application/vnd.apple.pages application/x-iwork-pages-sffpages'],
  ['stw', CONVERTED, 'application/vnd.sun.xml.writer.template'],
  ['sxw', CONVERTED, 'application/vnd.sun.xml.writer'],
  ['wps', CONVERTED, 'application/vnd.ms-works'],
  ['wpt', CONVERTED, ''],
  ['xml', CONVERTED, 'application/xml text/xml', `${TEXTS} ${SHEETS}`],
  ['gdoc', 'view', 'application/vnd.google-apps.document', ''],
]

const CELL: readonly Row[] = [
  ['xlsx', CELL_EDITED, `${OOXML}.spreadsheetml.sheet`],
  ['xlsm', CELL_EDITED, `application/vnd.ms-excel.sheet.macroenabled.12 ${OOXML}.spreadsheetml.sheet`],
  ['xlsb', CELL_EDITED, 'application/vnd.ms-excel.sheet.binary.macroenabled.12'],
  ['xltx', CELL_EDITED, `${OOXML}.spreadsheetml.template`],
  ['xltm', CELL_EDITED, 'application/vnd.ms-excel.template.macroenabled.12'],
  ['ods', 'view lossy-edit auto-convert customfilter comment encrypt', `${ODF}.spreadsheet`],
  ['ots', 'view lossy-edit auto-convert customfilter comment encrypt', `${ODF}.spreadsheet-template`],
  [
    'csv',
    'view lossy-edit customfilter',
    'text/csv application/csv text/x-comma-separated-values text/x-csv',
  ],
  ['tsv', 'view lossy-edit customfilter', 'text/tab-separated-values'],
  ['xls', CONVERTED, 'application/vnd.ms-excel'],
  ['xlt', CONVERTED, 'application/vnd.ms-excel'],
  ['et', CONVERTED, ''],
  ['ett', CONVERTED, ''],
  ['fods', CONVERTED, `${ODF}.spreadsheet-flat-xml`],
  ['numbers', CONVERTED, 'application/vnd.apple.numbers application/x-iwork-numbers-sffnumbers'],
  ['sxc', CONVERTED, 'application/vnd.sun.xml.calc'],
  ['gsheet', 'view', 'application/vnd.google-apps.spreadsheet', ''],
]

const SLIDE: readonly Row[] = [
  ['pptx', SLIDE_EDITED, `${OOXML}.presentationml.presentation`],
  ['pptm', SLIDE_EDITED, 'application/vnd.ms-powerpoint.presentation.macroenabled.12'],
  ['ppsx', SLIDE_EDITED, `${OOXML}.presentationml.slideshow`],
  ['ppsm', SLIDE_EDITED, 'application/vnd.ms-powerpoint.slideshow.macroenabled.12'],
  ['potx', SLIDE_EDITED, `${OOXML}.presentationml.template`],
  ['potm', SLIDE_EDITED, 'application/vnd.ms-powerpoint.template.macroenabled.12'],
  ['odp', 'view lossy-edit auto-convert comment encrypt', `${ODF}.presentation`],
  ['otp', 'view lossy-edit auto-convert comment encrypt', `${ODF}.presentation-template`],
  ['ppt', CONVERTED, 'application/vnd.ms-powerpoint'],
  ['pps', CONVERTED, 'application/vnd.ms-powerpoint'],
  ['pot', CONVERTED, 'application/vnd.ms-powerpoint'],
  ['dps', CONVERTED, '', SLIDES],
  ['dpt', CONVERTED, '', SLIDES],
  ['fodp', CONVERTED, `${ODF}.presentation-flat-xml`, SLIDES],
  [
    'key',
    CONVERTED,
    'application/vnd.apple.keynote application/x-iwork-keynote-sffkey application/vnd.apple.keynote.13',
  ],
  ['odg', CONVERTED, `${ODF}.graphics application/x-vnd.oasis.opendocument.graphics`],
  ['sxi', CONVERTED, 'application/vnd.sun.xml.impress'],
  ['gslides', 'view', 'application/vnd.google-apps.presentation', ''],
]

const PAGES: readonly Row[] = [
  ['pdf', 'view edit comment fill encrypt', PDF],
  ['djvu', 'view', 'image/vnd.djvu', IMAGES],
  ['docxf', 'view', `${OOXML}.wordprocessingml.document.docxf`],
  ['oform', 'view', `${OOXML}.wordprocessingml.document.oform`, 'pdf'],
  ['oxps', 'view', 'application/oxps'],
  ['xps', 'view', 'application/vnd.ms-xpsdocument application/xps'],
]

const DIAGRAM: readonly Row[] = [
  ['vsdx', 'view', 'application/vnd.ms-visio.drawing application/vnd.visio2013 application/vnd.visio'],
  ['vsdm', 'view', 'application/vnd.ms-visio.drawing.macroEnabled.12'],
  ['vssx', 'view', 'application/vnd.ms-visio.stencil'],
  ['vssm', 'view', 'application/vnd.ms-visio.stencil.macroEnabled.12'],
  ['vstx', 'view', 'application/vnd.ms-visio.template'],
  ['vstm', 'view', 'application/vnd.ms-visio.template.macroEnabled.12'],
]

const OTHER: readonly Row[] = [
  ['bmp', '', 'image/bmp'],
  ['gif', '', 'image/gif'],
  ['heic', '', 'image/heic'],
  ['heif', '', 'image/heif'],
  ['jpg', '', 'image/jpeg'],
  ['pdfa', '', PDF],
  ['png', '', 'image/png'],
  ['tif', '', 'image/tif image/x-tif application/tif application/x-tif'],
  ['tiff', '', 'image/tiff image/x-tiff application/tiff application/x-tiff'],
  ['webp', '', 'image/webp'],
  ['zip', '', 'application/zip'],
]

/** Every format of ONLYOFFICE's table. Source: ONLYOFFICE document-formats, onlyoffice-docs-formats.json. */
export const FORMATS: readonly Format[] = [
  ...WORD.map(toFormat('word', TEXTS)),
  ...CELL.map(toFormat('cell', SHEETS)),
  ...SLIDE.map(toFormat('slide', SLIDES_AND_TEXT)),
  ...PAGES.map(toFormat('pdf', TEXTS)),
  ...DIAGRAM.map(toFormat('diagram', IMAGES)),
  ...OTHER.map(toFormat(undefined, '')),
]

const BY_EXTENSION: ReadonlyMap<string, Format> = new Map(FORMATS.map((format) => [format.extension, format]))

/** @param extension in any case, without the dot */
export function formatOf(extension: string): Format | undefined {
  return BY_EXTENSION.get(extension.toLowerCase())
}

/** The type to serve; `application/octet-stream` for an extension that nobody knows. */
export function mimeTypeOf(extension: string): string {
  return formatOf(extension)?.mimeTypes[0] ?? fallbackMimeType(extension)
}

/** In the editor, in whatever mode. */
export function canOpen(format: Format): boolean {
  return format.type !== undefined && format.actions.has('view')
}

export function canEdit(format: Format): boolean {
  return format.actions.has('edit')
}

/** Editing works but may lose what the format cannot hold. */
export function canEditLossy(format: Format): boolean {
  return format.actions.has('lossy-edit')
}

export function canFill(format: Format): boolean {
  return format.actions.has('fill')
}

export function canComment(format: Format): boolean {
  return format.actions.has('comment')
}

export function canReview(format: Format): boolean {
  return format.actions.has('review')
}

/** Text without a structure of its own; an empty file of it is a valid one. */
export function isPlainText(extension: string): boolean {
  return ['txt', 'md', 'csv', 'tsv'].includes(extension)
}

/** The Nuto API knows three types: all that is neither a sheet nor slides goes as `Docs`. */
export function nutoTypeOf(format: Format): NutoType {
  if (format.type === 'cell') return 'Sheet'
  return format.type === 'slide' ? 'Slide' : 'Docs'
}

function toFormat(type: DocumentType | undefined, groupConversions: string): (row: Row) => Format {
  return ([extension, actions, mimeTypes, conversions = groupConversions]) => {
    const [served = fallbackMimeType(extension), ...others] = words(mimeTypes)
    return {
      extension,
      type,
      actions: new Set(ACTIONS.filter((action) => words(actions).includes(action))),
      conversions: new Set(words(conversions).filter((target) => target !== extension)),
      mimeTypes: [served, ...others],
    }
  }
}

function fallbackMimeType(extension: string): string {
  return lookup(extension) || 'application/octet-stream'
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

const EDITABLE_TWINS: Partial<Record<DocumentType, string>> = { word: 'docx', cell: 'xlsx', slide: 'pptx' }

/** What a format that can only be viewed is converted to for editing; undefined where it can be edited, or never. */
export function editableTwin(format: Format): string | undefined {
  if (canEdit(format) || canEditLossy(format) || format.type === undefined) return undefined
  return EDITABLE_TWINS[format.type]
}
