import { NutoEditor } from '@nutooffice/sdk';

const editor = new NutoEditor('editor-container', {
  serverUrl: 'https://nuto.thamming.com',
  documentId: 'your-document-id',
  type: 'docs',
  token: 'your-jwt-token',
  callbacks: {
    onReady: () => console.log('Ready!'),
    onSave: (data) => console.log('Saved'),
  },
});
