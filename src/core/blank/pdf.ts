const HEADER = '%PDF-1.7\n'
/** Four bytes above 127 tell those who transfer the file that it is binary. Source: ISO 32000-1 §7.5.2. */
const BINARY_MARK = '%\xe2\xe3\xcf\xd3\n'
const A4_POINTS = '595.28 841.89'

/** One empty A4 page. Source: ISO 32000-1 §7.5, File structure. */
export function blankPdf(title: string): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${A4_POINTS}] /Resources << >> >>`,
    `<< /Title <${utf16Hex(title)}> >>`,
  ]
  const size = objects.length + 1
  let body = HEADER + BINARY_MARK
  // Entries of the table have exactly 20 bytes, the space before the line feed included.
  let table = '0000000000 65535 f \n'
  objects.forEach((object, index) => {
    table += `${String(body.length).padStart(10, '0')} 00000 n \n`
    body += `${index + 1} 0 obj\n${object}\nendobj\n`
  })
  const trailer = `trailer\n<< /Size ${size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${body.length}\n%%EOF\n`
  // Latin-1 keeps one byte a character, so that the offsets above are those of bytes.
  return Buffer.from(`${body}xref\n0 ${size}\n${table}${trailer}`, 'latin1')
}

/** A text string: UTF-16, high byte first, after a byte order mark. Source: ISO 32000-1 §7.9.2.2. */
function utf16Hex(text: string): string {
  return Buffer.from(`\uFEFF${text}`, 'utf16le').swap16().toString('hex')
}
