import { blankPptx, newPresentation, type Presentation, presentationBytes } from '../blank/ooxml.ts'
import type { TemplateMaker } from '../templates.ts'

/** Text in [square brackets] is for the speaker to replace. */
export const SLIDES = {
  'slide-blank': blankPptx,
  'slide-pitch': pitch,
  'slide-report': statusReport,
  'slide-lesson': lesson,
  'slide-portfolio': portfolio,
} as const satisfies Record<string, TemplateMaker>

const FONT = 'Calibri'
const GREY = '595959'
/** The wide layout of the library. */
const PAGE = { width: 13.33, height: 7.5 }
/** Left margin and width of what stands below a slide's title, in inches. */
const BODY = { x: 0.75, y: 1.75, w: 11.8, h: 4.9 }

async function pitch(title: string): Promise<Buffer> {
  const deck = await newDeck(title, '1F3864')
  cover(deck, '[Name of the company]', '[What you do, in one sentence]')
  bullets(deck, 'The problem', [
    '[Who has it, and how often]',
    '[What it costs them]',
    '[What they do today]',
  ])
  bullets(deck, 'The solution', ['[What you offer]', '[Why it is ten times better]', '[Why now]'])
  columns(deck, 'The product', ['[What it does]', '[How it is used]'], ['[Picture or screenshot]'])
  table(deck, 'The market', [
    ['Segment', 'Customers', 'Revenue a year', 'Our share in 3 years'],
    ['[Segment A]', '[number]', '[amount]', '[percent]'],
    ['[Segment B]', '[number]', '[amount]', '[percent]'],
    ['[Segment C]', '[number]', '[amount]', '[percent]'],
  ])
  bullets(deck, 'Business model', ['[Who pays for what]', '[Price]', '[Cost of winning a customer]'])
  table(deck, 'Competition', [
    ['', 'We', '[Competitor A]', '[Competitor B]'],
    ['[What matters most]', '✓', '–', '–'],
    ['[What matters next]', '✓', '✓', '–'],
    ['Price', '[amount]', '[amount]', '[amount]'],
  ])
  bullets(deck, 'Traction', ['[Customers and revenue so far]', '[Growth a month]', '[Partners]'])
  bullets(deck, 'The team', ['[Name, role, what qualifies them]', '[Name, role]', '[Name, role]'])
  bullets(deck, 'What we ask for', [
    '[Amount, and for which share]',
    '[What it pays for]',
    '[Next milestones]',
  ])
  return presentationBytes(deck)
}

async function statusReport(title: string): Promise<Buffer> {
  const deck = await newDeck(title, '1B5E4B')
  cover(deck, '[Name of the project]', 'Status report · [period] · [author]')
  bullets(deck, 'At a glance', ['Overall: [on track, at risk or late]', '[Best news]', '[Largest worry]'])
  table(deck, 'Key figures', [
    ['Measure', 'Goal', 'Last period', 'This period'],
    ['[Revenue]', '', '', ''],
    ['[Costs]', '', '', ''],
    ['[Satisfaction]', '', '', ''],
  ])
  columns(
    deck,
    'Progress',
    ['Done', '[Result]', '[Result]'],
    ['Under way', '[Work, ready by …]', '[Work, ready by …]'],
  )
  table(deck, 'Risks', [
    ['Risk', 'Likelihood', 'Impact', 'What we do about it'],
    ['[What may happen]', '[low]', '[high]', '[measure, owner]'],
    ['', '', '', ''],
  ])
  table(deck, 'Next steps', [
    ['Step', 'Owner', 'Due'],
    ['[What is to be done]', '[name]', '[date]'],
    ['', '', ''],
    ['', '', ''],
  ])
  bullets(deck, 'Decisions needed', ['[What has to be decided, by whom and by when]'])
  return presentationBytes(deck)
}

async function lesson(title: string): Promise<Buffer> {
  const deck = await newDeck(title, '7A3B10')
  cover(deck, '[Topic of the lesson]', '[Subject] · [class] · [teacher]')
  bullets(deck, 'What you will learn', [
    '[You can explain …]',
    '[You can calculate …]',
    '[You can compare …]',
  ])
  bullets(deck, 'What we know already', ['[Question on the last lesson]', '[Question from everyday life]'])
  table(deck, 'Key terms', [
    ['Term', 'Meaning', 'Example'],
    ['[Term]', '[In one sentence]', '[Example]'],
    ['[Term]', '[In one sentence]', '[Example]'],
    ['[Term]', '[In one sentence]', '[Example]'],
  ])
  columns(deck, 'How it works', ['[First step]', '[Second step]', '[Third step]'], ['[Drawing or picture]'])
  bullets(deck, 'An example', ['[The task]', '[The way to solve it]', '[The answer, and how to check it]'])
  bullets(deck, 'Your turn', ['[Exercise, alone: 5 minutes]', '[Exercise, in pairs: 10 minutes]'])
  bullets(deck, 'Summary', [
    '[The main idea in one sentence]',
    '[Common mistake]',
    'Homework: [task, due on …]',
  ])
  return presentationBytes(deck)
}

async function portfolio(title: string): Promise<Buffer> {
  const deck = await newDeck(title, '4A2A66')
  cover(deck, '[First name Last name]', '[Profession] · [town]')
  bullets(deck, 'About me', ['[What I do, and for whom]', '[Where I learned it]', '[What I care about]'])
  columns(
    deck,
    'Skills',
    ['What I do best', '[Skill]', '[Skill]', '[Skill]'],
    ['What I work with', '[Tool]', '[Tool]', '[Tool]'],
  )
  for (const project of ['First project', 'Second project', 'Third project']) {
    const story = ['Client: [name, year]', 'Task: [what was asked for]', 'Result: [what came of it]']
    columns(deck, `[${project}]`, story, ['[Picture of the work]'])
  }
  table(deck, 'Experience', [
    ['When', 'Where', 'What'],
    ['[from – to]', '[company]', '[position]'],
    ['[from – to]', '[company]', '[position]'],
    ['[from – to]', '[school]', '[degree]'],
  ])
  bullets(deck, 'Contact', ['[E-mail]', '[Telephone]', '[Website]'])
  return presentationBytes(deck)
}

type Deck = Presentation

const COVER = 'Cover'
const TEXT = 'Title and text'
const COLUMNS = 'Title and two columns'
const TITLE_ONLY = 'Title only'

/** Real layouts with placeholders: the editor can switch them, and the outline has the titles. */
async function newDeck(title: string, color: string): Promise<Deck> {
  const deck = await newPresentation(title)
  deck.theme = { headFontFace: FONT, bodyFontFace: FONT }
  const white = { color: 'FFFFFF' }
  const band = { rect: { x: 0, y: 0, w: 0.3, h: PAGE.height, fill: { color } } }
  const slideNumber = { x: 12.4, y: 7, w: 0.6, h: 0.3, fontFace: FONT, fontSize: 11, color: GREY }
  const heading = placeholder('title', 'title', { ...BODY, y: 0.55, h: 0.9, fontSize: 34, bold: true, color })
  const half = BODY.w / 2 - 0.2
  deck.defineSlideMaster({
    title: COVER,
    background: { color },
    objects: [
      placeholder('title', 'title', { x: 1, y: 2.3, w: 11.3, h: 1.4, fontSize: 48, bold: true, ...white }),
      placeholder('subtitle', 'body', { x: 1, y: 3.9, w: 11.3, h: 0.9, fontSize: 22, ...white }),
    ],
  })
  deck.defineSlideMaster({
    title: TEXT,
    slideNumber,
    objects: [band, heading, placeholder('body', 'body', { ...BODY, fontSize: 24 })],
  })
  deck.defineSlideMaster({
    title: COLUMNS,
    slideNumber,
    objects: [
      band,
      heading,
      placeholder('left', 'body', { ...BODY, w: half, fontSize: 22 }),
      placeholder('right', 'body', { ...BODY, x: BODY.x + half + 0.4, w: half, fontSize: 22 }),
    ],
  })
  deck.defineSlideMaster({ title: TITLE_ONLY, slideNumber, objects: [band, heading] })
  return deck
}

type Box = {
  x: number
  y: number
  w: number
  h: number
  fontSize: number
  bold?: boolean
  color?: string
}

function placeholder(name: string, type: 'title' | 'body', box: Box) {
  const options = {
    name,
    type,
    fontFace: FONT,
    align: 'left',
    valign: type === 'title' ? 'middle' : 'top',
  } as const
  return { placeholder: { options: { ...options, margin: 0, ...box }, text: '' } }
}

function cover(deck: Deck, title: string, subtitle: string): void {
  const slide = deck.addSlide({ masterName: COVER })
  slide.addText(title, { placeholder: 'title' })
  slide.addText(subtitle, { placeholder: 'subtitle' })
}

function bullets(deck: Deck, title: string, lines: string[]): void {
  const slide = deck.addSlide({ masterName: TEXT })
  slide.addText(title, { placeholder: 'title' })
  slide.addText(list(lines), { placeholder: 'body' })
}

function columns(deck: Deck, title: string, left: string[], right: string[]): void {
  const slide = deck.addSlide({ masterName: COLUMNS })
  slide.addText(title, { placeholder: 'title' })
  slide.addText(list(left), { placeholder: 'left' })
  slide.addText(list(right), { placeholder: 'right' })
}

/** @param rows the first one is the header */
function table(deck: Deck, title: string, rows: string[][]): void {
  const slide = deck.addSlide({ masterName: TITLE_ONLY })
  slide.addText(title, { placeholder: 'title' })
  const cells = rows.map((row, index) =>
    row.map((text) => ({
      text,
      options: index === 0 ? { bold: true, fill: { color: 'E7E6E6' } } : {},
    })),
  )
  const { x, y, w } = BODY
  slide.addTable(cells, {
    x,
    y,
    w,
    rowH: 0.6,
    fontFace: FONT,
    fontSize: 18,
    valign: 'middle',
    border: BORDER,
  })
}

const BORDER = { type: 'solid', pt: 0.75, color: 'BFBFBF' } as const

function list(lines: string[]) {
  return lines.map((text) => ({ text, options: { bullet: true, breakLine: true, paraSpaceAfter: 10 } }))
}
