import { unzipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { checkContent } from '../../src/core/content-type.ts'
import { docxParagraphs, memoryFile } from '../support/files.ts'
import {
  doc,
  docxBody,
  htmlBody,
  type Json,
  list,
  makeDoc,
  node,
  PNG,
  paragraph,
  part,
  text,
  textOf,
} from './json-content/made.ts'

const MARKS: [string, Json, RegExp, string, string][] = [
  ['bold', text('w', 'bold'), /<w:b\/>/, '<strong>w</strong>', '**w**'],
  ['strong', text('w', 'strong'), /<w:b\/>/, '<strong>w</strong>', '**w**'],
  ['italic', text('w', 'italic'), /<w:i\/>/, '<em>w</em>', '*w*'],
  ['em', text('w', 'em'), /<w:i\/>/, '<em>w</em>', '*w*'],
  ['underline', text('w', 'underline'), /<w:u /, '<u>w</u>', '<u>w</u>'],
  ['strike', text('w', 'strike'), /<w:strike\/>/, '<s>w</s>', '~~w~~'],
  ['code', text('w', 'code'), /Courier New/, '<code>w</code>', '`w`'],
  ['subscript', text('w', 'subscript'), /w:vertAlign w:val="subscript"/, '<sub>w</sub>', '<sub>w</sub>'],
  ['superscript', text('w', 'superscript'), /w:val="superscript"/, '<sup>w</sup>', '<sup>w</sup>'],
  ['highlight', text('w', 'highlight'), /<w:shd [^>]*w:fill="FFFF00"/, '#FFFF00', '<mark>w</mark>'],
  ['color', text('w', { type: 'textStyle', attrs: { color: 'rgb(255, 0, 10)' } }), /FF000A/, '#FF000A', 'w'],
  [
    'link',
    text('w', { type: 'link', attrs: { href: 'https://example.com/a?b=1&c' } }),
    /<w:hyperlink [^>]*r:id="/,
    '<a href="https://example.com/a?b=1&amp;c">w</a>',
    '[w](<https://example.com/a?b=1&c>)',
  ],
]

test.each(MARKS)('the mark %s is in docx, html and md', async (_, marked, docx, html, md) => {
  const json = doc(paragraph(marked))
  expect(await docxBody(json)).toMatch(docx)
  expect(await htmlBody(json)).toContain(html)
  expect(await textOf(json, 'md')).toBe(`${md}\n`)
  expect(await textOf(json, 'txt')).toMatch(/^w/)
})

test('the address of a link is in the relationships of a docx, and after its words in txt', async () => {
  const json = doc(paragraph(text('here', { type: 'link', attrs: { href: 'https://example.com/x' } })))
  expect(part(await makeDoc(json, 'docx'), 'word/_rels/document.xml.rels')).toContain('https://example.com/x')
  expect(await textOf(json, 'txt')).toBe('here (https://example.com/x)\n')
})

test.each([
  'javascript:alert(1)',
  ' javascript:alert(1)',
  'JAVASCRIPT:x',
  'data:text/html,x',
  'file:///etc',
  '/a',
  7,
])('a link to %s is text', async (href) => {
  const json = doc(paragraph(text('words', { type: 'link', attrs: { href } })))
  expect(await htmlBody(json)).toBe('<p>words</p>')
  expect(await textOf(json, 'md')).toBe('words\n')
  expect(await docxBody(json)).not.toContain('w:hyperlink')
})

test('nothing in a text, name or attribute becomes markup', async () => {
  const evil = '"><script>alert(1)</script>'
  const json = doc(
    paragraph(
      text(evil, { type: 'textStyle', attrs: { color: `red${evil}` } }),
      text('l', { type: 'link', attrs: { href: `https://x/${evil}` } }),
      node('image', { src: PNG, alt: evil }),
    ),
    node('codeBlock', { language: evil }, text(evil)),
    node('heading', { level: evil, textAlign: evil }, text(evil)),
  )
  const html = (await makeDoc(json, 'html', evil)).toString()
  expect(html).not.toContain('<script')
  expect(html).not.toContain('="">')
  expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(4)
  expect(await textOf(json, 'md')).not.toMatch(/(?<!\\)<script(?![^`]*```)/)
})

test('headings have their level and alignment', async () => {
  const json = doc(node('heading', { level: 3, textAlign: 'center' }, text('Title #')))
  expect(await docxBody(json)).toMatch(/<w:pStyle w:val="Heading3"\/>.*<w:jc w:val="center"\/>/)
  expect(await htmlBody(json)).toBe('<h3 style="text-align:center">Title #</h3>')
  expect(await textOf(json, 'md')).toBe('### Title \\#\n')
})

describe('lists', () => {
  const nested = doc(
    list('bulletList', 'listItem', [
      paragraph('one'),
      node(
        'orderedList',
        { start: 3 },
        node('listItem', {}, paragraph('inner')),
        node('listItem', {}, paragraph('next')),
      ),
    ]),
    {
      type: 'taskList',
      content: [
        node('taskItem', { checked: true }, paragraph('done')),
        node('taskItem', {}, paragraph('open')),
      ],
    },
  )

  test('are nested in html, md and txt', async () => {
    expect((await htmlBody(nested)).replaceAll('\n', '')).toBe(
      '<ul><li>one<ol start="3"><li>inner</li><li>next</li></ol></li></ul><ul style="list-style:none"><li>☑ done</li><li>☐ open</li></ul>',
    )
    expect(await textOf(nested, 'md')).toBe(
      '- one\n  3. inner\n  4. next\n\n<!-- -->\n\n- [x] done\n- [ ] open\n',
    )
    expect(await textOf(nested, 'txt')).toBe('- one\n  3. inner\n  4. next\n\n- [x] done\n- [ ] open\n')
  })

  test('are lists of Word, each level in its place and with its first number', async () => {
    const bytes = await makeDoc(nested, 'docx')
    expect(docxParagraphs(bytes)).toEqual(['one', 'inner', 'next', '☑ done', '☐ open'])
    const levels = part(bytes, 'word/document.xml').matchAll(/<w:ilvl w:val="(\d)"\/>/g)
    expect(Array.from(levels, ([, level]) => level)).toEqual(['0', '1', '1'])
    expect(part(bytes, 'word/numbering.xml')).toMatch(
      /<w:lvl w:ilvl="1"[^>]*><w:start w:val="3"\/><w:numFmt w:val="decimal"\/>/,
    )
  })

  test('have the names of prosemirror-schema-basic as well', async () => {
    const json = doc(
      list('bullet_list', 'list_item', [paragraph('a', { type: 'hard_break' }, 'b')]),
      {
        type: 'ordered_list',
        attrs: { order: 2 },
        content: [node('list_item', {}, paragraph('c'))],
      },
      node('code_block', {}, text('d')),
      { type: 'horizontal_rule' },
    )
    expect((await htmlBody(json)).replaceAll('\n', '')).toBe(
      '<ul><li>a<br>b</li></ul><ol start="2"><li>c</li></ol><pre><code>d</code></pre><hr>',
    )
  })
})

test('quotes, code and rules', async () => {
  const json = doc(
    node('blockquote', {}, paragraph('said'), node('blockquote', {}, paragraph('before'))),
    node('codeBlock', { language: 'js' }, text('a < b\n```\n  c')),
    { type: 'horizontalRule' },
  )
  expect(await textOf(json, 'md')).toBe('> said\n>\n> > before\n\n````js\na < b\n```\n  c\n````\n\n***\n')
  expect(await htmlBody(json)).toContain('<code class="language-js">a &lt; b\n```\n  c</code>')
  expect(docxParagraphs(await makeDoc(json, 'docx'))).toEqual(['said', 'before', 'a < b```  c', ''])
  expect(await docxBody(json)).toContain('<w:cr/>')
})

test('a table keeps its merged cells, and tables within cells', async () => {
  const cell = (words: string, attrs: Json = {}) => node('tableCell', attrs, paragraph(words))
  const inner = node('table', {}, node('tableRow', {}, cell('deep')))
  const json = doc(
    node(
      'table',
      {},
      node(
        'tableRow',
        {},
        node('tableHeader', { rowspan: 2 }, paragraph('tall')),
        node('tableHeader', { colspan: 2 }, paragraph('wide')),
      ),
      node('tableRow', {}, cell('x|y'), node('tableCell', {}, inner)),
    ),
  )
  expect((await htmlBody(json)).replaceAll('\n', '')).toBe(
    '<table><tr><th rowspan="2"><p>tall</p></th><th colspan="2"><p>wide</p></th></tr><tr><td><p>x|y</p></td><td><table><tr><td><p>deep</p></td></tr></table></td></tr></table>',
  )
  expect(await textOf(json, 'md')).toBe('| tall | wide | |\n| --- | --- | --- |\n|  | x\\|y | deep |\n')
  expect(await textOf(json, 'txt')).toBe('tall\twide\n\tx|y\tdeep\n')
  const body = await docxBody(json)
  expect(body).toMatch(
    /<w:vMerge w:val="restart"\/>.*tall.*<w:gridSpan w:val="2"\/>.*wide.*<w:vMerge w:val="continue"\/>.*x\|y.*<w:tbl>.*deep/s,
  )
})

test('a picture given as data is in the file, one elsewhere is a link', async () => {
  const json = doc(
    node('image', { src: PNG, alt: 'dot', width: 40 }),
    paragraph(
      node('image', { src: 'https://x.example/a.png', alt: 'far' }),
      node('image', { src: 'data:image/png;base64,AAAA', alt: 'broken' }),
    ),
  )
  const bytes = await makeDoc(json, 'docx')
  expect(Object.keys(unzipSync(bytes)).filter((name) => name.startsWith('word/media/'))).toHaveLength(1)
  expect(docxParagraphs(bytes)).toEqual(['', 'farbroken'])
  expect(await htmlBody(json)).toContain('width="40" height="40" alt="dot"')
  expect(await htmlBody(json)).toContain('<a href="https://x.example/a.png">far</a>broken')
  expect(await textOf(json, 'md')).toContain('![dot](data:image/png;base64,')
  expect(await textOf(json, 'txt')).toBe('dot\n\nfar (https://x.example/a.png)broken\n')
})

test.each(['docx', 'html', 'md', 'txt'] as const)(
  'unknown nodes keep their text in %s',
  async (extension) => {
    const json = doc(
      node(
        'details',
        {},
        node('detailsSummary', {}, text('one')),
        node('detailsContent', {}, paragraph('two')),
      ),
      paragraph(node('mention', { id: 'u1', label: 'three' }), node('strange', {}, text('four', 'sparkle'))),
      node('bulletList', {}, paragraph('five'), text('six')),
      node('table', {}, paragraph('seven'), node('tableRow', {}, paragraph('eight'))),
      text('nine'),
      node('heading', {}, node('blockquote', {}, paragraph('ten'))),
      node('constructor', {}, text('eleven')),
      node('__proto__', {}, text('twelve')),
    )
    const bytes = await makeDoc(json, extension)
    const all = extension === 'docx' ? docxParagraphs(bytes).join(' ') : bytes.toString()
    const words = 'one two three four five six seven eight nine ten eleven twelve'.split(' ')
    expect(words.filter((word) => !all.includes(word))).toEqual([])
  },
)

test.each(['docx', 'html', 'md', 'txt'])('an empty document is a file of %s', async (extension) => {
  for (const json of [doc(), { type: 'doc' }]) {
    const bytes = await makeDoc(json, extension)
    await checkContent(memoryFile(bytes), extension, 'exact')
  }
})

test('odt, rtf and pdf are made from a docx with the title', async () => {
  for (const extension of ['odt', 'rtf', 'pdf']) {
    const bytes = await makeDoc(doc(paragraph('x')), extension, 'Q&A\u0000')
    expect(part(bytes, 'docProps/core.xml')).toContain('<dc:title>Q&amp;A </dc:title>')
  }
})
