import { strToU8, zipSync } from 'fflate'
import { escapeXml } from './xml.ts'

type Kind = {
  /** Last part of the MIME type, and the element that holds the content. */
  name: 'text' | 'spreadsheet' | 'presentation'
  body: string
  page: string
  masterPage: string
}

const A4 = 'fo:page-width="21cm" fo:page-height="29.7cm" style:print-orientation="portrait" fo:margin="2cm"'
const WIDE = 'fo:page-width="33.867cm" fo:page-height="19.05cm" style:print-orientation="landscape"'

const KINDS: Record<'odt' | 'ods' | 'odp', Kind> = {
  odt: { name: 'text', body: '<text:p/>', page: A4, masterPage: 'Standard' },
  ods: {
    name: 'spreadsheet',
    body: '<table:table table:name="Sheet1"><table:table-column/><table:table-row><table:table-cell/></table:table-row></table:table>',
    page: A4,
    masterPage: 'Default',
  },
  odp: {
    name: 'presentation',
    body: '<draw:page draw:name="Slide 1" draw:master-page-name="Default"/>',
    page: WIDE,
    masterPage: 'Default',
  },
}

/** A fixed time: equal titles give equal bytes, which are stored once. */
const WRITTEN = new Date(2000, 0, 1)

/** The least package that is whole. Source: OpenDocument 1.3 part 2 §3. */
export function blankOpenDocument(extension: keyof typeof KINDS, title: string): Buffer {
  const kind = KINDS[extension]
  const mimeType = `application/vnd.oasis.opendocument.${kind.name}`
  const archive = zipSync(
    {
      // First and not packed, so that the type can be read at a fixed offset (§3.3).
      mimetype: [strToU8(mimeType), { level: 0 }],
      'content.xml': strToU8(contentPart(kind)),
      'styles.xml': strToU8(stylesPart(kind)),
      'meta.xml': strToU8(metaPart(title)),
      'META-INF/manifest.xml': strToU8(manifestPart(mimeType)),
    },
    { mtime: WRITTEN },
  )
  return Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
}

function contentPart({ name, body }: Kind): string {
  return part('document-content', `<office:body><office:${name}>${body}</office:${name}></office:body>`)
}

function stylesPart({ page, masterPage }: Kind): string {
  const font = '<style:text-properties fo:font-family="Arial" fo:font-size="12pt"/>'
  const families = ['paragraph', 'table-cell', 'graphic']
  const defaults = families.map(
    (family) => `<style:default-style style:family="${family}">${font}</style:default-style>`,
  )
  return part(
    'document-styles',
    `<office:styles>${defaults.join('')}</office:styles>` +
      `<office:automatic-styles><style:page-layout style:name="Page"><style:page-layout-properties ${page}/></style:page-layout></office:automatic-styles>` +
      `<office:master-styles><style:master-page style:name="${masterPage}" style:page-layout-name="Page"/></office:master-styles>`,
  )
}

function metaPart(title: string): string {
  return part('document-meta', `<office:meta><dc:title>${escapeXml(title)}</dc:title></office:meta>`)
}

function manifestPart(mimeType: string): string {
  const entries = ['content.xml', 'styles.xml', 'meta.xml'].map(
    (path) => `<manifest:file-entry manifest:full-path="${path}" manifest:media-type="text/xml"/>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3"><manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="${mimeType}"/>${entries.join('')}</manifest:manifest>`
}

function part(root: string, content: string): string {
  const prefixes = ['office', 'style', 'text', 'table']
  const namespaces = [
    ...prefixes.map((prefix) => `xmlns:${prefix}="urn:oasis:names:tc:opendocument:xmlns:${prefix}:1.0"`),
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"',
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"',
    'xmlns:dc="http://purl.org/dc/elements/1.1/"',
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<office:${root} ${namespaces.join(' ')} office:version="1.3">${content}</office:${root}>`
}
