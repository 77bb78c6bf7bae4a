// What brings content of other files in.
const REFERENCE_FIELDS = [
  { name: 'path', label: 'Path of the file' },
  { name: 'file-key', label: 'fileKey' },
  { name: 'instance-id', label: 'instanceId' },
]

const inWord = ({ kind, canEdit }) => kind === 'word' && canEdit
const inCells = ({ kind, canEdit }) => kind === 'cell' && canEdit

export const CONTENT_TOOLS = [
  {
    name: 'insert-image',
    event: 'onRequestInsertImage',
    label: 'Image from storage',
    choices: ['add', 'change', 'fill', 'watermark', 'slide'],
    isOffered: ({ canEdit }) => canEdit,
    isMobile: true,
  },
  {
    name: 'select-document',
    event: 'onRequestSelectDocument',
    label: 'Document from storage',
    choices: ['compare', 'combine', 'insert-text'],
    isOffered: inWord,
  },
  {
    name: 'select-spreadsheet',
    event: 'onRequestSelectSpreadsheet',
    label: 'Mail merge',
    choices: ['mailmerge'],
    isOffered: inWord,
  },
  {
    name: 'mail-merge-recipients',
    event: 'onRequestMailMergeRecipients',
    label: 'Mail merge (before 7.5)',
    isOffered: inWord,
  },
  { name: 'compare-file', event: 'onRequestCompareFile', label: 'Compare (before 7.5)', isOffered: inWord },
  {
    name: 'reference-data',
    event: 'onRequestReferenceData',
    label: 'Update values',
    fields: [...REFERENCE_FIELDS, { name: 'link', label: 'Link' }],
    isOffered: inCells,
    data: (values) => ({ ...reference(values), ...given('link', values.link) }),
  },
  {
    name: 'reference-source',
    event: 'onRequestReferenceSource',
    label: 'Change source',
    fields: REFERENCE_FIELDS,
    isOffered: inCells,
    data: reference,
  },
  {
    name: 'open-source',
    event: 'onRequestOpen',
    label: 'Open source',
    fields: [...REFERENCE_FIELDS, { name: 'window-name', label: 'Name of the window' }],
    isOffered: ({ kind }) => kind === 'cell',
    data: (values) => ({ ...reference(values), windowName: values['window-name'] }),
  },
]

function reference(values) {
  const fileKey = values['file-key']
  const instanceId = values['instance-id']
  return {
    ...(fileKey ? { referenceData: { fileKey, instanceId } } : {}),
    ...given('path', values.path),
  }
}

function given(name, value) {
  return value ? { [name]: value } : {}
}
