import type { Command } from 'commander'
import { withJson } from './context.ts'
import { examples } from './examples.ts'

export function addDoctor(program: Command): void {
  withJson(program.command('doctor'))
    .description('look for what keeps documents from opening or being saved')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(async ({ json = false }: { json?: boolean }) => {
      const { doctorCommand } = await import('../doctor/command.ts')
      process.exitCode = await doctorCommand({ json })
    })
}
