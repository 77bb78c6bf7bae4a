import { escapeXml } from './xml.ts'

/** A page without content. */
export function blankHtml(title: string): Buffer {
  // The standard asks for a title that is more than spaces.
  const name = escapeXml(title.trim() === '' ? 'Untitled' : title)
  return Buffer.from(
    `<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>${name}</title>\n</head>\n<body>\n<p></p>\n</body>\n</html>\n`,
  )
}

/** One empty paragraph on an A4 page with margins of 2 cm. Lengths in twips, letters in half points. */
export function blankRtf(title: string): Buffer {
  return Buffer.from(
    `{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}}\n{\\info{\\title ${escapeRtf(title)}}}\n\\paperw11906\\paperh16838\\margl1134\\margr1134\\margt1134\\margb1134\n\\pard\\plain\\f0\\fs24\\par\n}\n`,
  )
}

/** Source: RTF 1.9.1, Unicode: each UTF-16 unit as a signed number, then one character for readers without Unicode. */
function escapeRtf(text: string): string {
  return text.replace(/[\\{}]|[^ -~]/g, (character) => {
    if (character <= '~') return `\\${character}`
    return `\\u${Int16Array.of(character.charCodeAt(0))[0]}?`
  })
}
