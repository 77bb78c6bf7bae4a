// What concerns the document as a whole.
import { requestCopy } from './copy.js'
import { isDeclared, tellHost } from './host.js'
import { tab } from './tab.js'

export const DOCUMENT_TOOLS = [
  { name: 'history', event: 'onRequestHistory', label: 'Version history', isMobile: true },
  {
    name: 'rename',
    event: 'onRequestRename',
    label: 'Rename',
    fields: [{ name: 'title', label: 'New title' }],
    isOffered: ({ isViewing }) => !isViewing,
    data: ({ title }) => title,
  },
  {
    name: 'save-as',
    event: 'onRequestSaveAs',
    label: 'Copy to…',
    fields: [{ name: 'file-type', label: 'File type, if another' }],
    isOffered: ({ canDownload }) => canDownload,
    act: async (values) => {
      const copy = await requestCopy({ fileType: values['file-type'] })
      if (copy) tellHost('onRequestSaveAs', copy)
    },
  },
  {
    name: 'create-new',
    event: 'onRequestCreateNew',
    label: 'Create new',
    isOffered: () => isDeclared('onRequestCreateNew') || Boolean(tab.config.editorConfig?.createUrl),
    isFree: true,
    isMobile: true,
    act: () => {
      if (isDeclared('onRequestCreateNew')) tellHost('onRequestCreateNew')
      else window.open(tab.config.editorConfig.createUrl, '_blank')
    },
  },
  { name: 'sharing', event: 'onRequestSharingSettings', label: 'Change access rights', isMobile: true },
  {
    name: 'favorite',
    event: 'onMetaChange',
    label: 'Favorite',
    // The star is there without a listener, but then nothing changes it.
    isOffered: () => typeof tab.config.document.info?.favorite === 'boolean',
    isFree: true,
    state: () => ({ favorite: tab.config.document.info?.favorite }),
    data: () => ({ favorite: !tab.config.document.info.favorite }),
  },
  {
    name: 'action-link',
    event: 'onMakeActionLink',
    label: 'Get link',
    fields: [{ name: 'bookmark', label: 'Bookmark' }],
    data: ({ bookmark }) => ({ action: { type: 'bookmark', data: bookmark } }),
  },
]
