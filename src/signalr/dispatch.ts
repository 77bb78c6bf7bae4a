import { type HubConnection, HubError, type HubMethod, Later } from './hub.ts'
import { INVOCATION, type Incoming, type STREAM_INVOCATION } from './protocol.ts'

export type Invocation = Extract<Incoming, { type: typeof INVOCATION | typeof STREAM_INVOCATION }>

/** Where the outcome of an invocation goes. */
export type Replies = {
  result(invocation: Invocation, result: unknown): void
  error(invocation: Invocation, text: string): void
  onError(error: unknown, method: string): void
}

/**
 * Calls the method that a client asked for.
 *
 * @returns a promise while the connection's next invocation has to wait; it never rejects
 */
export function dispatch<C>(
  methods: ReadonlyMap<string, HubMethod<C>>,
  connection: HubConnection<C>,
  invocation: Invocation,
  replies: Replies,
): Promise<void> | undefined {
  const { type, target, args } = invocation
  const method = methods.get(target.toLowerCase())
  if (method === undefined || type !== INVOCATION || args === undefined) {
    replies.error(invocation, refusalOf(method, invocation))
    return undefined
  }
  let outcome: unknown
  try {
    outcome = method(connection, args)
  } catch (error) {
    fail(invocation, error, replies)
    return undefined
  }
  if (outcome instanceof Promise) return settle(invocation, outcome, replies)
  if (outcome instanceof Later) void settle(invocation, outcome.result, replies)
  else replies.result(invocation, outcome)
  return undefined
}

/** The texts of ASP.NET. Source: dotnet/aspnetcore, DefaultHubDispatcher. */
function refusalOf(method: unknown, { type, target }: Invocation): string {
  const failed = `Failed to invoke '${target}' due to an error on the server.`
  if (method === undefined) return `${failed} HubException: Method does not exist.`
  if (type !== INVOCATION) {
    return `The client attempted to invoke the non-streaming '${target}' method with a streaming invocation.`
  }
  return failed
}

function settle(invocation: Invocation, outcome: Promise<unknown>, replies: Replies): Promise<void> {
  return outcome.then(
    (result) => {
      // What was put off once is put off to the end: a method may await and then give a later result.
      if (result instanceof Later) void settle(invocation, result.result, replies)
      else replies.result(invocation, result)
    },
    (error) => fail(invocation, error, replies),
  )
}

function fail(invocation: Invocation, error: unknown, replies: Replies): void {
  const text = `An unexpected error occurred invoking '${invocation.target}' on the server.`
  if (error instanceof HubError) replies.error(invocation, `${text} HubException: ${error.message}`)
  else {
    replies.onError(error, invocation.target)
    replies.error(invocation, text)
  }
}
