import type { Command } from 'commander'
import { examples } from './examples.ts'

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the service (as npm start does)')
    .addHelpText('after', examples('serve'))
    .action(async () => {
      const { serve } = await import('../serve.ts')
      await serve()
    })
}
