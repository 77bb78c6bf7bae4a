/** In the order of the API page; what is not on it comes after. */
export const TAGS = [
  { name: 'Authentication', description: 'API keys and their tokens' },
  { name: 'Documents', description: 'Documents, their files and other formats of them' },
  { name: 'Versions', description: 'What a document was before' },
  { name: 'Templates', description: 'Documents to start from' },
  { name: 'Collaboration', description: 'Who has a document open' },
  { name: 'Embed', description: 'One document in a page of yours' },
  { name: 'Users', description: 'Whom the editor knows by name' },
  { name: 'Forms', description: 'What was filled in and handed in' },
  { name: 'Folders', description: 'Where documents lie' },
  { name: 'Links', description: 'Letting people without a key open one document' },
  { name: 'Webhooks', description: 'Being told of what happens' },
  { name: 'Activity', description: 'Who did what' },
  { name: 'Administration', description: 'What an operator does when something is stuck' },
  { name: 'ONLYOFFICE', description: 'The editor in a page of yours; errors here are `{message, error}`' },
]

/** What is true of all operations, and whose words they are. */
export const ABOUT = `Documents and their versions, edited with ONLYOFFICE Docs.

**First steps:** make an API key (\`POST /auth/api-keys\`), take a token for it (\`POST /auth/token\`) and send it
as \`Authorization: Bearer …\`.

**Whose words these are:** the Nuto Office API page states \`POST /auth/api-keys\`, \`POST /auth/token\`,
\`GET /documents\`, \`POST /documents\`, \`POST /documents/upload\` and \`POST /documents/{id}/convert\` with what they
take, and the permissions, formats and template types. It describes validation of tokens, reading, changing and
deleting a document, its download and versions, templates, collaboration and embedding without naming paths: those here, their
aliases, all status codes and the shape of errors are ours. So are folders, metadata, the trash, copies, labels,
\`save\`, users, forms, webhooks, activity and the managing of keys.

**What goes for all:** bodies are JSON in UTF-8, also under \`application/x-www-form-urlencoded\`, the type that
\`curl -d\` sends. Every GET answers HEAD as well, and OPTIONS names the methods of a path in \`Allow\`. Another method is
answered 405 \`method-not-allowed\`, another path 404 \`route-not-found\`. Errors are problems (RFC 9457) with a stable \`code\`.
Times are ISO 8601 in UTC. The administrator, who sees all workspaces, names one with \`?workspaceId=\` on any call.
`
