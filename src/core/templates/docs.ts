import {
  AlignmentType,
  Document,
  Footer,
  HeadingLevel,
  type IParagraphOptions,
  LevelFormat,
  Packer,
  PageNumber,
  Paragraph,
  Table,
  TableCell,
  TableRow,
  TabStopPosition,
  TabStopType,
  TextRun,
  WidthType,
} from 'docx'
import { blankDocx } from '../blank/ooxml.ts'
import type { TemplateMaker } from '../templates.ts'

type Block = Paragraph | Table

/** Text in [square brackets] is for the writer to replace. */
export const DOCS = {
  'doc-blank': blankDocx,
  'doc-report': (title) => docx(title, report()),
  'doc-letter': (title) => docx(title, letter()),
  'doc-resume': (title) => docx(title, resume()),
  'doc-meeting-notes': (title) => docx(title, meetingNotes()),
  'doc-essay': (title) => docx(title, essay()),
} as const satisfies Record<string, TemplateMaker>

const COLOR = '1F3864'
const PALE = 'DCE6F2'
const NUMBERS = 'numbers'

function report(): Block[] {
  return [
    documentTitle('[Title of the report]'),
    subtitle('Prepared by [name] for [reader] · [date]'),
    heading('Summary'),
    text('[What was asked, what was found and what should be done, in one paragraph. Write it last.]'),
    heading('Background'),
    text('[Why this report was written, what is known already and what it leaves out.]'),
    heading('Findings'),
    subheading('Figures'),
    table(
      ['Measure', 'Last period', 'This period', 'Change'],
      [
        ['[Revenue]', '', '', ''],
        ['[Costs]', '', '', ''],
        ['[Customers]', '', '', ''],
      ],
      [40, 20, 20, 20],
    ),
    subheading('What they mean'),
    text('[Explain what moved, and why. One paragraph for each finding.]'),
    heading('Recommendations'),
    ...numbered(1, ['[First recommendation and what it would bring]', '[Second recommendation]']),
    heading('Next steps'),
    table(
      ['Step', 'Owner', 'Due', 'Status'],
      Array.from({ length: 3 }, () => ['', '', '', '']),
      [46, 22, 16, 16],
    ),
  ]
}

function letter(): Block[] {
  return [
    ...lines(['[Your name]', '[Street and number]', '[Postal code and town]', '[Telephone · e-mail]']),
    text('[Date]', { alignment: AlignmentType.END }),
    ...lines(['[Name of the recipient]', '[Company]', '[Street and number]', '[Postal code and town]']),
    heading('Subject: [what this letter is about]'),
    text('Dear [name],'),
    text('[Say in the first sentence why you write.]'),
    text('[Give what the reader has to know: facts, dates, numbers of orders or contracts.]'),
    text('[Say what you ask for, and by when.]'),
    text('Yours sincerely,'),
    text('[Your name]', { spacing: { before: 900, after: 120 } }),
    text('Enclosures: [list them, or delete this line]'),
  ]
}

function resume(): Block[] {
  return [
    documentTitle('[First name Last name]'),
    subtitle('[Profession] · [town] · [telephone] · [e-mail]'),
    heading('Profile'),
    text('[Two or three sentences: what you do, for how long, and what you look for.]'),
    heading('Experience'),
    station('[Position], [company]', '[from] – [to]'),
    ...bullets(['[What you achieved, with a number where there is one]', '[What you were responsible for]']),
    station('[Position], [company]', '[from] – [to]'),
    ...bullets(['[What you achieved]', '[What you were responsible for]']),
    heading('Education'),
    station('[Degree], [school]', '[from] – [to]'),
    text('[Subjects, thesis, grade]'),
    heading('Skills'),
    table(
      ['Area', 'Skills'],
      [
        ['Tools', '[tools that you use well]'],
        ['Languages', '[language (level), language (level)]'],
        ['Certificates', '[name, year]'],
      ],
      [25, 75],
    ),
    heading('References'),
    text('[Name, position, telephone] or: available on request.'),
  ]
}

function meetingNotes(): Block[] {
  return [
    documentTitle('[Name of the meeting]'),
    table(
      ['Meeting', ''],
      [
        ['Date and time', '[date], [from] – [to]'],
        ['Place', '[room or link]'],
        ['Chair', '[name]'],
        ['Notes by', '[name]'],
        ['Present', '[names]'],
        ['Excused', '[names]'],
      ],
      [25, 75],
    ),
    heading('Agenda'),
    ...numbered(1, ['[First topic]', '[Second topic]', 'Any other business']),
    heading('Discussion'),
    subheading('[First topic]'),
    ...bullets(['[What was said]', '[What stays open]']),
    subheading('[Second topic]'),
    ...bullets(['[What was said]']),
    heading('Decisions'),
    ...numbered(2, ['[What was decided, and with which reason]']),
    heading('Action items'),
    table(
      ['Action', 'Who', 'By when', 'Done'],
      [
        ['[What is to be done]', '[name]', '[date]', '☐'],
        ['', '', '', '☐'],
        ['', '', '', '☐'],
      ],
      [52, 20, 18, 10],
    ),
    heading('Next meeting'),
    text('[Date, time and place]'),
  ]
}

function essay(): Block[] {
  return [
    documentTitle('[Title of the essay]'),
    subtitle('[Your name] · [course and teacher] · [date]'),
    heading('Introduction'),
    prose('[Lead to the question, say why it matters, and end with your thesis in one sentence.]'),
    heading('First argument'),
    prose('[The claim. The evidence for it, with its source (Author, year). What follows for the thesis.]'),
    heading('Second argument'),
    prose('[The claim, the evidence, and what follows for the thesis.]'),
    heading('Counter-argument'),
    prose('[The best objection, and your answer to it.]'),
    heading('Conclusion'),
    prose('[Answer the question, and say what stays open. Nothing new here.]'),
    heading('References'),
    text('[Author, A. (year). Title of the book. Publisher.]', { indent: { left: 720, hanging: 720 } }),
    text('[Author, B. (year). Title of the article. Name of the journal, volume(issue), pages.]', {
      indent: { left: 720, hanging: 720 },
    }),
  ]
}

function docx(title: string, children: Block[]): Promise<Buffer> {
  const pageNumber = new Paragraph({
    alignment: AlignmentType.CENTER,
    children: [
      new TextRun({
        children: [PageNumber.CURRENT, ' / ', PageNumber.TOTAL_PAGES],
        color: '7F7F7F',
        size: 18,
      }),
    ],
  })
  const headingRun = { font: 'Calibri', color: COLOR, bold: true }
  const document = new Document({
    title,
    creator: '',
    lastModifiedBy: '',
    styles: {
      default: {
        // Sizes in half points, spacing in twips.
        document: { run: { font: 'Calibri', size: 22 }, paragraph: { spacing: { after: 120, line: 276 } } },
        title: { run: { ...headingRun, size: 52 }, paragraph: { spacing: { after: 120 } } },
        heading1: {
          run: { ...headingRun, size: 30 },
          paragraph: { spacing: { before: 320, after: 100 }, keepNext: true },
        },
        heading2: {
          run: { ...headingRun, size: 25 },
          paragraph: { spacing: { before: 200, after: 80 }, keepNext: true },
        },
      },
    },
    numbering: {
      config: [
        {
          reference: NUMBERS,
          levels: [
            {
              level: 0,
              format: LevelFormat.DECIMAL,
              text: '%1.',
              alignment: AlignmentType.START,
              style: { paragraph: { indent: { left: 720, hanging: 360 } } },
            },
          ],
        },
      ],
    },
    sections: [{ footers: { default: new Footer({ children: [pageNumber] }) }, children }],
  })
  return Packer.toBuffer(document)
}

function documentTitle(words: string): Paragraph {
  return new Paragraph({ text: words, heading: HeadingLevel.TITLE })
}

function subtitle(words: string): Paragraph {
  return new Paragraph({
    spacing: { after: 240 },
    children: [new TextRun({ text: words, italics: true, color: '595959' })],
  })
}

function heading(words: string): Paragraph {
  return new Paragraph({ text: words, heading: HeadingLevel.HEADING_1 })
}

function subheading(words: string): Paragraph {
  return new Paragraph({ text: words, heading: HeadingLevel.HEADING_2 })
}

function text(words: string, options: IParagraphOptions = {}): Paragraph {
  return new Paragraph({ ...options, children: [new TextRun(words)] })
}

/** One and a half lines, as teachers ask for. */
function prose(words: string): Paragraph {
  return text(words, { spacing: { line: 360, after: 160 }, alignment: AlignmentType.JUSTIFIED })
}

/** An address: lines that stand close, and a gap after the last one. */
function lines(all: string[]): Paragraph[] {
  return all.map((line, index) => text(line, { spacing: { after: index === all.length - 1 ? 360 : 0 } }))
}

/** A place of work or study, with its time at the right margin. */
function station(what: string, when: string): Paragraph {
  const tabStops = [{ type: TabStopType.RIGHT, position: TabStopPosition.MAX }]
  return new Paragraph({ text: `${what}\t${when}`, heading: HeadingLevel.HEADING_2, tabStops })
}

function bullets(items: string[]): Paragraph[] {
  return items.map((item) => text(item, { bullet: { level: 0 } }))
}

/** @param list tells the lists of one document apart: each counts from 1 */
function numbered(list: number, items: string[]): Paragraph[] {
  return items.map((item) => text(item, { numbering: { reference: NUMBERS, level: 0, instance: list } }))
}

/** @param widths of the columns in percent */
function table(header: string[], rows: string[][], widths: number[]): Table {
  const row = (cells: string[], isHeader: boolean) =>
    new TableRow({
      tableHeader: isHeader,
      cantSplit: true,
      children: cells.map((words, column) => {
        const run = new TextRun({ text: words, bold: isHeader, ...(isHeader ? { color: COLOR } : {}) })
        return new TableCell({
          width: { size: widths[column] ?? 0, type: WidthType.PERCENTAGE },
          margins: { top: 60, bottom: 60, left: 100, right: 100 },
          ...(isHeader ? { shading: { fill: PALE } } : {}),
          children: [new Paragraph({ spacing: { after: 0 }, children: [run] })],
        })
      }),
    })
  return new Table({
    width: { size: 100, type: WidthType.PERCENTAGE },
    rows: [row(header, true), ...rows.map((cells) => row(cells, false))],
  })
}
