import type { BlankFormat } from '../../core/blank-files.ts'
import type { NutoType } from '../../core/formats.ts'

type Blank = { format: BlankFormat; name: string }

/** What a new document can be without a template, the usual one first. */
export const BLANKS: readonly { type: NutoType; label: string; formats: readonly Blank[] }[] = [
  {
    type: 'Docs',
    label: 'Text',
    formats: [
      { format: 'docx', name: 'Word' },
      { format: 'odt', name: 'OpenDocument' },
      { format: 'rtf', name: 'Rich text' },
      { format: 'txt', name: 'Plain text' },
      { format: 'md', name: 'Markdown' },
      { format: 'html', name: 'Web page' },
      { format: 'pdf', name: 'PDF' },
    ],
  },
  {
    type: 'Sheet',
    label: 'Spreadsheet',
    formats: [
      { format: 'xlsx', name: 'Excel' },
      { format: 'ods', name: 'OpenDocument' },
      { format: 'csv', name: 'Comma-separated' },
    ],
  },
  {
    type: 'Slide',
    label: 'Presentation',
    formats: [
      { format: 'pptx', name: 'PowerPoint' },
      { format: 'odp', name: 'OpenDocument' },
    ],
  },
]
