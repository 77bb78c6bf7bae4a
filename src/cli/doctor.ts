import type { Command } from 'commander'
import { type CommonOptions, perform, withJson } from './context.ts'
import { examples } from './examples.ts'

export function addDoctor(program: Command): void {
  withJson(program.command('doctor'))
    .description('look for what keeps documents from opening or being saved')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action((options: CommonOptions) =>
      perform(options, async () => {
        const { doctorCommand } = await import('../doctor/command.ts')
        return (await doctorCommand({ json: options.json === true })) === 0
      }),
    )
}
