/** A config as the service makes it, for what only signs it. */
export function sampleConfig(documentId: string, fileToken: string) {
  return {
    documentType: 'word',
    type: 'desktop',
    document: {
      fileType: 'docx',
      key: 'a1b2c3d4Jt3kq0Yl2vXz8mN5rWbQ7sDh',
      title: 'Quarterly report.docx',
      url: `http://localhost:3000/api/onlyoffice/file/${documentId}?t=${fileToken}`,
      info: { owner: '0198c0de-0000-7000-8000-000000000000', uploaded: '2026-11-21T08:00:00.000Z' },
      permissions: {
        edit: true,
        comment: true,
        review: true,
        fillForms: true,
        modifyContentControl: true,
        modifyFilter: true,
        copy: true,
        download: true,
        print: true,
        chat: true,
      },
    },
    editorConfig: {
      callbackUrl: 'http://localhost:3000/api/onlyoffice/callback',
      mode: 'edit',
      user: { id: '0198c0de-0000-7000-8000-000000000000', name: 'Bench' },
      coEditing: { mode: 'fast', change: true },
      customization: { autosave: true, forcesave: true },
    },
  }
}
