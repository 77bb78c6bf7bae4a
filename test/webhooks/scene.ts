import { recordActivity } from '../../src/core/activity.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import {
  ALLOW_LOCAL,
  deliveryRows,
  type MadeWebhook,
  makeWebhook,
  type Receiver,
  startReceiver,
} from './support.ts'

export type Scene = AsyncDisposable & {
  app: TestApp
  clock: ReturnType<typeof testClock>
  receiver: Receiver
  webhook: MadeWebhook
}

export async function startScene(): Promise<Scene> {
  const clock = testClock()
  const receiver = await startReceiver()
  const app = await startApp({ env: ALLOW_LOCAL, overrides: { clock: clock.now } })
  const webhook = await makeWebhook(app, receiver.url, ['document.deleted'])
  return {
    app,
    clock,
    receiver,
    webhook,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await receiver[Symbol.asyncDispose]()
    },
  }
}

/** Something that the workspace's webhooks are told of. */
export async function happen({ deps }: TestApp, times = 1): Promise<void> {
  const { workspace_id: workspaceId } = await deps.database
    .selectFrom('api_keys')
    .select('workspace_id')
    .executeTakeFirstOrThrow()
  const actor = { id: 'ann', name: 'Ann' }
  for (let n = 0; n < times; n += 1) {
    await deps.commits.run((tx) =>
      recordActivity(tx, {
        workspaceId,
        documentId: crypto.randomUUID(),
        actor,
        action: 'deleted',
        at: deps.clock().toISOString(),
      }),
    )
  }
}

export async function states({ app, webhook }: Pick<Scene, 'app' | 'webhook'>) {
  return (await deliveryRows(app, webhook.id)).map(({ state, attempts }) => `${state} ${attempts}`)
}
