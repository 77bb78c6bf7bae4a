import { unsentEdits } from './sheet.js'
import { post, showNotice, tab } from './tab.js'

/**
 * A file at the server: of what this tab shows, or of the version that the history shows.
 * Undefined when it cannot be made.
 */
export async function requestCopy({ fileType, version } = {}) {
  const wanted = { edits: unsentEdits(), version, fileType: fileType || undefined }
  const response = await post(`/${tab.id}/copy`, wanted)
  if (response.ok) return response.json()
  showNotice('This file cannot be made.')
  return undefined
}
