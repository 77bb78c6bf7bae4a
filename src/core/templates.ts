import { storableInXml } from './blank/xml.ts'
import type { NutoType } from './formats.ts'
import type { DOCS } from './templates/docs.ts'
import type { SHEETS } from './templates/sheets.ts'
import type { SLIDES } from './templates/slides.ts'

export type TemplateId = keyof typeof DOCS | keyof typeof SHEETS | keyof typeof SLIDES

export type TemplateCategory = 'Basic' | 'Business' | 'Finance' | 'Education' | 'Personal'

export type Template = {
  id: TemplateId
  /** For a gallery of templates. */
  name: string
  type: NutoType
  category: TemplateCategory
  extension: 'docx' | 'xlsx' | 'pptx'
  /** Of a document made from it, unless another one is given. */
  title: string
}

/** Makes a file with this title in its properties, where the format's library writes any. */
export type TemplateMaker = (title: string) => Promise<Buffer>

/** Source: Nuto Office API, Templates, for types and categories. */
export const TEMPLATES: readonly Template[] = [
  docs('doc-blank', 'Basic', 'Blank document', 'Untitled document'),
  docs('doc-report', 'Business', 'Report', 'Report'),
  docs('doc-letter', 'Business', 'Formal letter', 'Letter'),
  docs('doc-resume', 'Personal', 'Resume', 'Resume'),
  docs('doc-meeting-notes', 'Business', 'Meeting notes', 'Meeting notes'),
  docs('doc-essay', 'Education', 'Essay', 'Essay'),
  sheet('sheet-blank', 'Basic', 'Blank spreadsheet', 'Untitled spreadsheet'),
  sheet('sheet-budget', 'Finance', 'Monthly budget', 'Monthly budget'),
  sheet('sheet-invoice', 'Finance', 'Invoice', 'Invoice'),
  sheet('sheet-expense', 'Finance', 'Expense report', 'Expense report'),
  sheet('sheet-schedule', 'Personal', 'Weekly schedule', 'Weekly schedule'),
  slides('slide-blank', 'Basic', 'Blank presentation', 'Untitled presentation'),
  slides('slide-pitch', 'Business', 'Pitch deck', 'Pitch'),
  slides('slide-report', 'Business', 'Status report', 'Status report'),
  slides('slide-lesson', 'Education', 'Lesson', 'Lesson'),
  slides('slide-portfolio', 'Personal', 'Portfolio', 'Portfolio'),
]

const BY_ID: ReadonlyMap<string, Template> = new Map(TEMPLATES.map((template) => [template.id, template]))

export function templateOf(id: string): Template | undefined {
  return BY_ID.get(id)
}

/** @param title of the new document; the template's own one when not given */
export async function templateFile(id: TemplateId, title?: string): Promise<Buffer> {
  const template = templateOf(id)
  const make = template && (await makersOf(template.type))[id]
  if (make === undefined) throw new TypeError(`No template ${id}`)
  return make(storableInXml(title ?? template?.title ?? ''))
}

/** The families are loaded at first use, and with them their libraries. */
async function makersOf(type: NutoType): Promise<Readonly<Record<string, TemplateMaker>>> {
  if (type === 'Docs') return (await import('./templates/docs.ts')).DOCS
  if (type === 'Sheet') return (await import('./templates/sheets.ts')).SHEETS
  return (await import('./templates/slides.ts')).SLIDES
}

function docs(id: keyof typeof DOCS, category: TemplateCategory, name: string, title: string): Template {
  return { id, name, type: 'Docs', category, extension: 'docx', title }
}

function sheet(id: keyof typeof SHEETS, category: TemplateCategory, name: string, title: string): Template {
  return { id, name, type: 'Sheet', category, extension: 'xlsx', title }
}

function slides(id: keyof typeof SLIDES, category: TemplateCategory, name: string, title: string): Template {
  return { id, name, type: 'Slide', category, extension: 'pptx', title }
}
