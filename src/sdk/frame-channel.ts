import { NutoError } from './nuto-error.ts'

/** The framed page says this to whoever frames it; nothing else goes to an unknown origin. */
const HELLO = 'nuto-editor:hello'
/** The answer, which brings the port that everything else goes through. */
const PORT = 'nuto-editor:port'
/** The service waits for a save for half of it. */
const CALL_TIMEOUT_MS = 60_000

type Pending = { resolve(result: unknown): void; reject(error: NutoError): void; timer: number }

/** What comes through the port: something happened, or a call is answered. */
type FromPage = {
  event?: string
  data?: unknown
  id?: number
  result?: unknown
  error?: { code: string; message: string }
}

export type FrameChannel = {
  /** Waits for the page if it is not there yet. @throws NutoError the page's refusal, `timeout`, `page-reloaded`, `destroyed` */
  call(command: string, argument?: unknown): Promise<unknown>
  close(): void
}

/** Speaks with the page of this origin in the frame, and again with each page that is loaded there. */
export function openFrameChannel(
  frame: HTMLIFrameElement,
  origin: string,
  { onHello, onEvent }: { onHello(): void; onEvent(name: string, data: unknown): void },
): FrameChannel {
  const pending = new Map<number, Pending>()
  const waiting: object[] = []
  let port: MessagePort | undefined
  let lastId = 0
  let isClosed = false

  function greet(event: MessageEvent): void {
    const page = frame.contentWindow
    if (page === null || event.source !== page || event.origin !== origin || event.data !== HELLO) return
    // Nobody answers what the page before was asked.
    if (port !== undefined) endPort('page-reloaded', 'the page in the frame was loaded again')
    const { port1, port2 } = new MessageChannel()
    port = port1
    port1.onmessage = ({ data }: MessageEvent<FromPage>) => receive(data)
    page.postMessage(PORT, { targetOrigin: origin, transfer: [port2] })
    for (const message of waiting.splice(0)) port1.postMessage(message)
    onHello()
  }

  function receive({ event, data, id, result, error }: FromPage): void {
    if (event !== undefined) {
      onEvent(event, data)
      return
    }
    const call = settled(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new NutoError(error.code, error.message))
  }

  function settled(id = 0): Pending | undefined {
    const call = pending.get(id)
    clearTimeout(call?.timer)
    pending.delete(id)
    return call
  }

  function endPort(code: string, message: string): void {
    port?.close()
    port = undefined
    for (const id of [...pending.keys()]) settled(id)?.reject(new NutoError(code, message))
  }

  window.addEventListener('message', greet)
  return {
    call(command, argument) {
      return new Promise((resolve, reject) => {
        if (isClosed) return reject(new NutoError('destroyed', 'the editor was destroyed'))
        lastId += 1
        const id = lastId
        const giveUp = () => settled(id)?.reject(new NutoError('timeout', `no answer to ${command}`))
        pending.set(id, { resolve, reject, timer: window.setTimeout(giveUp, CALL_TIMEOUT_MS) })
        const message = { id, command, argument }
        if (port === undefined) waiting.push(message)
        else port.postMessage(message)
      })
    },
    close() {
      isClosed = true
      window.removeEventListener('message', greet)
      endPort('destroyed', 'the editor was destroyed')
    },
  }
}
