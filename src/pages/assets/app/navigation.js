// Other addresses of one page are shown without leaving it, so that uploads go on.

import { refresh } from './live.js'
import { page } from './service.js'

const main = document.getElementById('main')
const fault = document.getElementById('fault')
let loading = 0

/** Shows this address; the one that was shown can be gone back to unless `replace` says otherwise. */
export async function go(url, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', url)
  await reload()
}

document.addEventListener('refreshed', () => {
  fault.hidden = true
})

/** What the address shows now. */
export async function reload() {
  loading += 1
  main.ariaBusy = 'true'
  try {
    await refresh()
  } catch {
    fault.hidden = false
  } finally {
    loading -= 1
    if (loading === 0) main.ariaBusy = 'false'
  }
}

/**
 * Takes over the links that lead to this page itself.
 *
 * @param onShown after another address was shown
 */
export function navigateInPlace(onShown = () => {}) {
  const path = location.pathname
  document.addEventListener('click', async (event) => {
    const link = event.target.closest('a[href]')
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
    if (link === null || !isPlain || link.target !== '' || link.hasAttribute('download')) return
    const url = new URL(link.href)
    if (url.origin !== location.origin || url.pathname !== path || url.hash !== '') return
    event.preventDefault()
    await go(url.href)
    onShown()
  })
  window.addEventListener('popstate', async () => {
    await reload()
    onShown()
  })
  fault.querySelector('button').addEventListener('click', reload)
}

/** Address of a page of ours with this query; empty values are left out. */
export function address(path, query) {
  const said = Object.entries(query).filter(([, value]) => value !== '' && value !== undefined)
  return `${page.basePath}${path}?${new URLSearchParams(said)}`
}
