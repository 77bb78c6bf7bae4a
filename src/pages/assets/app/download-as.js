// Downloads in another format: a conversion that fails is told in words instead of leaving the page.

import { Refusal, reach } from './service.js'
import { attempt, toast } from './toast.js'

export function startDownloads() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-format]')
    if (link === null) return closeMenu(event.target)
    event.preventDefault()
    closeMenu(document.body, { keepsFocus: true })
    if (link.ariaBusy === 'true') return
    convert(link)
  })
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') closeMenu(document.body, { keepsFocus: true })
  })
}

async function convert(link) {
  link.ariaBusy = 'true'
  toast(`Making the ${link.textContent}…`)
  await attempt(async () => {
    const response = await reach(link.href, { headers: { 'X-Requested-With': 'XMLHttpRequest' } })
    if (!response.ok) throw new Refusal(await response.json().catch(() => ({})), response.status)
    // The service keeps what it made: the browser fetches it again as a file, whatever its size.
    await response.body.cancel()
    location.assign(link.href)
  })
  link.ariaBusy = null
}

function closeMenu(target, { keepsFocus = false } = {}) {
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (menu.contains(target)) continue
    const hadFocus = menu.contains(document.activeElement)
    menu.open = false
    if (keepsFocus && hadFocus) menu.querySelector('summary').focus()
  }
}
