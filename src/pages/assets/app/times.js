// Times in the reader's own zone and language; the server writes them in UTC.

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export function showTimes(root = document) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (Number.isNaN(at.getTime())) continue
    time.textContent = FULL.format(at)
    time.title = at.toISOString()
  }
}
