import type { Image } from './document-blocks.ts'
import { IMAGE_PIXELS_MAX } from './limits.ts'

type Size = Pick<Image, 'width' | 'height'>

/** Pixels, at 96 an inch: the text width of an A4 page with margins of 2.5 cm. */
const WIDTH_MAX = 600
const HEIGHT_MAX = 900

/** @returns undefined for what is no data of a PNG, JPEG or GIF that can be shown */
export function imageOfDataUrl(url: string, alt: string, asked: Partial<Size>): Image | undefined {
  const header = /^data:image\/(png|jpe?g|gif);base64,/i.exec(url)
  if (!header) return undefined
  const bytes = Buffer.from(url.slice(header[0].length), 'base64')
  const found = sizeOf(bytes)
  if (!found || found.width * found.height === 0) return undefined
  if (found.width * found.height > IMAGE_PIXELS_MAX) return undefined
  return { type: found.type, bytes, alt, ...shownSize(found, asked) }
}

/** Keeps the proportions unless both are asked for; never larger than a page. */
function shownSize(own: Size, asked: Partial<Size>): Size {
  let width = asked.width ?? (asked.height ? (asked.height * own.width) / own.height : own.width)
  let height = asked.height ?? (width * own.height) / own.width
  const scale = Math.min(1, WIDTH_MAX / width, HEIGHT_MAX / height)
  width *= scale
  height *= scale
  return { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) }
}

function sizeOf(bytes: Buffer): (Size & { type: Image['type'] }) | undefined {
  // Source: PNG, 11.2.1 IHDR, the first chunk.
  if (bytes.length >= 33 && bytes.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n') {
    return { type: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
  }
  // Source: GIF89a, 18 Logical Screen Descriptor.
  if (bytes.length >= 13 && /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))) {
    return { type: 'gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
  }
  const size = jpegSize(bytes)
  return size && { type: 'jpeg', ...size }
}

/** From the first frame header. Source: ITU T.81, B.1.1 and B.2.2. */
function jpegSize(bytes: Buffer): Size | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined
  let offset = 2
  while (offset + 9 <= bytes.length && bytes[offset] === 0xff) {
    const marker = bytes[offset + 1] ?? 0
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { height: bytes.readUInt16BE(offset + 5), width: bytes.readUInt16BE(offset + 7) }
    offset += 2 + bytes.readUInt16BE(offset + 2)
  }
  return undefined
}
