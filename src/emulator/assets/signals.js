// Events that no button causes in the real editor; here each has one.
import { requestCopy } from './copy.js'
import { FORM_ROLES } from './form-tools.js'
import { tellHost } from './host.js'
import { tab } from './tab.js'

const DATA = {
  onAppReady: () => undefined,
  onDocumentReady: () => undefined,
  onPluginsReady: () => undefined,
  onInfo: () => ({ mode: tab.config.editorConfig?.mode === 'view' ? 'view' : 'edit' }),
  onWarning: () => ({ warningCode: -101, warningDescription: 'A warning for a test' }),
  onError: () => ({ errorCode: -1, errorDescription: 'An error for a test' }),
  onDocumentStateChange: () => false,
  onCollaborativeChanges: () => undefined,
  onUserActionRequired: () => undefined,
  onStartFilling: () => FORM_ROLES.map((role) => ({ ...role, user: tab.config.editorConfig?.user ?? {} })),
  onRequestRefreshFile: () => undefined,
  onOutdatedVersion: () => undefined,
}

export const SIGNALS = [
  ...Object.entries(DATA).map(([event, data]) => ({ name: `signal-${event}`, event, label: event, data })),
  {
    name: 'signal-onDownloadAs',
    event: 'onDownloadAs',
    label: 'onDownloadAs',
    act: async () => {
      const copy = await requestCopy()
      if (copy) tellHost('onDownloadAs', { fileType: copy.fileType, url: copy.url })
    },
  },
  {
    name: 'signal-onSaveDocument',
    event: 'onSaveDocument',
    label: 'onSaveDocument',
    act: async () => {
      const copy = await requestCopy()
      if (copy) tellHost('onSaveDocument', await (await fetch(copy.url)).arrayBuffer())
    },
  },
].map((signal) => ({ ...signal, isSignal: true, isMobile: true, isEmbedded: true }))
