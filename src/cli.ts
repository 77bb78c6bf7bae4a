#!/usr/bin/env node
import { demandNodeVersion } from './node-version.ts'

demandNodeVersion()
const { runCli } = await import('./cli/program.ts')
await runCli(process.argv)
