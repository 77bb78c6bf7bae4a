// What the config allows its user. Source: ONLYOFFICE Docs API, Document, Permissions.
import { tab } from './tab.js'

const TYPES = {
  cell: ['csv', 'fods', 'ods', 'ots', 'xls', 'xlsb', 'xlsm', 'xlsx', 'xlt', 'xltm', 'xltx'],
  slide: ['fodp', 'odp', 'otp', 'pot', 'potm', 'potx', 'pps', 'ppsm', 'ppsx', 'ppt', 'pptm', 'pptx'],
  pdf: ['djvu', 'oxps', 'pdf', 'xps'],
}

export function currentRights() {
  const { document: file = {}, editorConfig = {}, documentType, type = 'desktop' } = tab.config
  const { permissions = {}, fileType = '' } = file
  const isViewing = type === 'embedded' || editorConfig.mode === 'view'
  const edit = permissions.edit ?? true
  const review = permissions.review ?? edit
  const comment = permissions.comment ?? edit
  const fillForms = permissions.fillForms ?? (edit || review)
  const canEdit = tab.isOpen && !isViewing && edit
  return {
    type,
    kind: documentType ?? kindOf(fileType),
    isViewing,
    canEdit,
    canComment: tab.isOpen && !isViewing && comment,
    canFill: tab.isOpen && !isViewing && (edit || review || fillForms),
    /** The viewer of a document that may be edited. */
    mayAskForEditing: type !== 'embedded' && isViewing && edit,
    canDownload: permissions.download ?? true,
    canPrint: permissions.print ?? true,
    canCopy: permissions.copy ?? true,
    canProtect: canEdit && (permissions.protect ?? true),
    canChat: tab.isOpen && !isViewing && (permissions.chat ?? editorConfig.customization?.chat ?? true),
  }
}

function kindOf(fileType) {
  return Object.keys(TYPES).find((kind) => TYPES[kind].includes(fileType)) ?? 'word'
}
