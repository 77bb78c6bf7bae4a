import type { Command } from 'commander'
import { createSignInLink } from '../core/sign-in.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { clock, withDatabase } from './data.ts'
import { examples } from './examples.ts'

export function addSignIn(program: Command): void {
  withJson(program.command('sign-in'))
    .description('print a link that signs the administrator in: once, within 10 minutes')
    .addHelpText('after', examples('sign-in'))
    .action((options: CommonOptions) =>
      perform(options, (context) =>
        withDatabase(
          context,
          async (database) => {
            const { config } = context
            const link = await createSignInLink({ database, clock })
            const base = config.PUBLIC_URL ?? `http://localhost:${config.PORT}${config.BASE_PATH}`
            const url = `${base}/sign-in?link=${link}`
            context.print(url, { url })
            return true
          },
          { mayBeNew: true },
        ),
      ),
    )
}
