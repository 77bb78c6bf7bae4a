// Out of the trash again.

import { documents, forEach } from './many.js'
import { reload } from './navigation.js'
import { call } from './service.js'
import { toast } from './toast.js'

export async function restore(ids) {
  const done = await forEach(ids, (id) => call('POST', `/documents/${id}/undelete`))
  await reload()
  if (done.length > 0) toast(`${documents(done.length)} restored`)
}
