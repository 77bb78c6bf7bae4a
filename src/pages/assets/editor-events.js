// The editor's events: what each asks of the service and which of its methods gets the answer.
// Buttons appear only for declared events, so an event is declared exactly when it may be used.
// Source: ONLYOFFICE Docs API, Config, Events; Methods.

import { chooseDocument, chooseImage } from './editor-dialog.js'

/**
 * @param page what the service put into the page: grants, mode, seesWorkspace, isGuest, homeUrl
 * @param tools `service`, `editor()`, `text`, `say` (tells the user), `showName`, `fileType()`, `move`
 */
export function grantedEvents(page, tools) {
  const { grants, mode, seesWorkspace, config } = page
  const may = (grant) => grants.includes(grant)
  const edits = mode === 'edit' && may('edit')
  return {
    ...reading(page, tools),
    ...(may('edit') || seesWorkspace ? lookingBack(tools) : {}),
    ...(seesWorkspace || may('edit') ? lookingBack(tools) : {}),
    ...(edits ? editing(tools) : {}),
    ...((edits || mode === 'review') && seesWorkspace ? comparing(tools) : {}),
    ...(edits && seesWorkspace ? linking(tools) : {}),
    ...(mode === 'view' && may('edit') && config.type !== 'embedded'
      ? { onRequestEditRights: askToEdit(tools) }
      : {}),
    ...(mode !== 'view' && may('comment') && seesWorkspace ? mentioning(tools) : {}),
    ...marking(page, tools),
    ...(seesWorkspace ? leaving(page, tools) : {}),
    ...(may('fillForms') ? filling(tools) : {}),
    ...(edits ? startingToFill(tools) : {}),
  }
}

/** Runs a handler and says in words what went wrong. */
function asking({ text, say }, ask) {
  return async (event) => {
    try {
      await ask(event?.data ?? {})
    } catch (error) {
      say(text('failed', { message: error.message }))
    }
  }
}

function reading({ seesWorkspace }, tools) {
  const { service, editor } = tools
  const users = asking(tools, async ({ c = 'info', search, from, count, id = [] }) => {
    // The editor asks for people to mention whether or not there are any for its user.
    if (c !== 'info' && !seesWorkspace) return editor().setUsers({ c, users: [] })
    const ids = [id].flat().join(',') || undefined
    editor().setUsers(await service.get('/users', { c, search, from, count, id: ids }))
  })
  return {
    onRequestUsers: users,
    onMakeActionLink: asking(tools, async (link) =>
      editor().setActionLink((await service.post('/action-link', link)).url),
    ),
  }
}

/** What was in the document before is for those who may edit it, or who see the workspace. */
function lookingBack(tools) {
  const { service, editor, move } = tools
  return {
    onRequestHistory: asking(tools, async () => {
      const history = await service.get('/history')
      move.lookBack()
      editor().refreshHistory(history)
    }),
    onRequestHistoryData: asking(tools, async (version) =>
      editor().setHistoryData(await service.get(`/history/${version}`)),
    ),
    onRequestHistoryClose: asking(tools, move.reopen),
  }
}

function editing(tools) {
  const { service, editor, text, showName, fileType } = tools
  return {
    onRequestRestore: asking(tools, async ({ version, url, fileType }) => {
      await service.post('/restore', { version, ...(url ? { url, fileType } : {}) })
      editor().refreshHistory(await service.get('/history'))
    }),
    onRequestRename: asking(tools, async (title) =>
      showName(`${(await service.post('/rename', { title })).title}.${fileType()}`),
    ),
    onRequestInsertImage: asking(tools, async ({ c = 'add' }) => {
      const file = await chooseImage(text)
      if (file === undefined) return
      const form = new FormData()
      form.append('file', file)
      editor().insertImage(await service.post(`/insert-image?${new URLSearchParams({ c })}`, form))
    }),
  }
}

function comparing(tools) {
  const { service, editor, text } = tools
  const chosen = (kind) =>
    chooseDocument(text, async (search) => (await service.get('/choices', { kind, search })).documents)
  return {
    onRequestSelectDocument: asking(tools, async ({ c = 'compare' }) => {
      const other = await chosen('word')
      if (other) editor().setRequestedDocument(await service.post('/compare', { c, documentId: other.id }))
    }),
    onRequestCompareFile: asking(tools, async () => {
      const other = await chosen('word')
      if (other)
        editor().setRevisedFile(await service.post('/compare', { documentId: other.id, legacy: true }))
    }),
  }
}

function linking(tools) {
  const { service, editor, text, say } = tools
  const chosen = (kind) =>
    chooseDocument(text, async (search) => (await service.get('/choices', { kind, search })).documents)
  return {
    onRequestSaveAs: asking(tools, async ({ fileType, title, url }) => {
      const made = await service.post('/save-as', { fileType, title, url })
      say(text('savedAs', { title: made.title }), [text('open'), () => window.open(made.url)])
    }),
    onRequestSelectSpreadsheet: asking(tools, async ({ c = 'mailmerge' }) => {
      const sheet = await chosen('cell')
      if (sheet)
        editor().setRequestedSpreadsheet(await service.post('/mail-merge', { c, documentId: sheet.id }))
    }),
    onRequestMailMergeRecipients: asking(tools, async () => {
      const sheet = await chosen('cell')
      if (sheet)
        editor().setMailMergeRecipients(
          await service.post('/mail-merge', { documentId: sheet.id, legacy: true }),
        )
    }),
    onRequestReferenceData: asking(tools, async ({ referenceData, path, link }) =>
      editor().setReferenceData(await service.post('/reference-data', { referenceData, path, link })),
    ),
    onRequestReferenceSource: asking(tools, async () => {
      const source = await chosen('cell')
      if (source)
        editor().setReferenceSource(await service.post('/reference-source', { documentId: source.id }))
    }),
    onRequestOpen: asking(tools, async ({ path, referenceData, windowName }) => {
      const { url } = await service.post('/open', { path, referenceData, windowName })
      window.open(url, windowName)
    }),
    onRequestSharingSettings: asking(tools, async () =>
      editor().setSharingSettings(await service.get('/sharing')),
    ),
  }
}

function mentioning(tools) {
  const { service, text, say } = tools
  return {
    onRequestSendNotify: asking(tools, async ({ actionLink, message, emails }) => {
      await service.post('/notify', { actionLink, message, emails })
      say(text('mentioned'))
    }),
  }
}

function marking({ isGuest }, tools) {
  const { service, editor, showName } = tools
  return {
    onMetaChange: asking(tools, async ({ title, favorite }) => {
      if (title !== undefined) showName(title)
      if (favorite === undefined || isGuest) return
      editor().setFavorite((await service.post('/favorite', { favorite: favorite === true })).favorite)
    }),
  }
}

function leaving({ homeUrl }, tools) {
  const { service } = tools
  return {
    onRequestClose: asking(tools, async () => {
      await service.post('/close').catch(() => {})
      location.assign(homeUrl)
    }),
    onRequestCreateNew: () => window.open(homeUrl),
  }
}

function filling(tools) {
  const { service, text, say } = tools
  return {
    onSubmit: () => say(text('handedIn')),
    onRequestFillingStatus: asking(tools, async (role) => {
      const status = await service.post('/filling-status', typeof role === 'string' ? { role } : {})
      say(text('submissions', { count: status.submissions ?? status.ownSubmissions }))
    }),
  }
}

function startingToFill(tools) {
  const { service, editor } = tools
  return {
    onRequestStartFilling: asking(tools, async (roles) => {
      await service.post('/start-filling', Array.isArray(roles) ? { roles } : {})
      editor().startFilling?.(true)
    }),
  }
}

function askToEdit(tools) {
  const { service } = tools
  return asking(tools, async () => {
    const { mode } = await service.post('/edit-rights')
    const address = new URL(location.href)
    address.searchParams.set('mode', mode)
    location.replace(address)
  })
}
