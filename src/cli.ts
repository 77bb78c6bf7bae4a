#!/usr/bin/env node
import module from 'node:module'
import { demandNodeVersion } from './node-version.ts'

demandNodeVersion()
// As in main.ts: the second command begins in half the time.
module.enableCompileCache()
const { runCli } = await import('./cli/program.ts')
await runCli(process.argv)
