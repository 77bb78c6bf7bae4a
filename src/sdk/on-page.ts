type PageListeners = Partial<Record<'online' | 'offline' | 'pagehide', () => void>>

/** Listens to the page's own events; outside of a browser there are none. @returns ends the listening */
export function onPage(listeners: PageListeners): () => void {
  if (typeof document === 'undefined') return () => {}
  const listening = new AbortController()
  for (const [name, listener] of Object.entries(listeners)) {
    addEventListener(name, listener, { signal: listening.signal })
  }
  return () => listening.abort()
}
