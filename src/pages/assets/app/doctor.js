import { listen, refresh, refreshSoon } from './live.js'
import { call } from './service.js'
import { showTimes } from './times.js'
import { attempt } from './toast.js'

/** The service looks by itself, and records nothing of it. */
const LOOK_EVERY_MS = 10_000

const run = document.getElementById('run')
const running = document.getElementById('running')
run.addEventListener('click', async () => {
  if (run.getAttribute('aria-disabled') === 'true') return
  // Not disabled: the focus would be lost.
  run.setAttribute('aria-disabled', 'true')
  running.textContent = 'Looking at every leg, twice; this takes some minutes when something does not answer…'
  const seen = await attempt(() => call('POST', '/administration/doctor'))
  await refresh().catch(() => {})
  run.removeAttribute('aria-disabled')
  running.textContent = seen === undefined ? '' : 'Looked again.'
})

showTimes()
listen()
setInterval(() => document.visibilityState === 'visible' && refreshSoon(), LOOK_EVERY_MS)
