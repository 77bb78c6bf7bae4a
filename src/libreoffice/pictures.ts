import { open } from 'node:fs/promises'
import { Problem } from '../errors.ts'

/** Of a scaled picture, for each pixel of width: what is higher becomes narrower. */
const MOST_HEIGHT = 4
const PNG_START = Buffer.from('89504e470d0a1a0a', 'hex')

/**
 * Value of `--convert-to` that makes a picture as small as wanted; undefined for one that is so already.
 *
 * @throws Problem `conversion-failed` for what is no PNG
 */
export async function scalingFilter(path: string, mostWidth: number): Promise<string | undefined> {
  const { width, height } = await pngSize(path)
  const factor = Math.min(mostWidth / width, (mostWidth * MOST_HEIGHT) / height)
  if (factor >= 1) return undefined
  const pixels = (side: number) => ({ type: 'long', value: String(Math.max(1, Math.round(side * factor))) })
  const size = { PixelWidth: pixels(width), PixelHeight: pixels(height) }
  return `png:draw_png_Export:${JSON.stringify(size)}`
}

/** Source: PNG (Third Edition) §11.2.1, IHDR. */
async function pngSize(path: string): Promise<{ width: number; height: number }> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(24), 0, 24, 0)
  const width = buffer.readUInt32BE(16)
  const height = buffer.readUInt32BE(20)
  if (bytesRead < 24 || !buffer.subarray(0, 8).equals(PNG_START) || width === 0 || height === 0) {
    throw new Problem('conversion-failed', 'the picture of the first page is no PNG')
  }
  return { width, height }
}
