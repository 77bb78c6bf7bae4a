#!/usr/bin/env node
import module from 'node:module'
import { demandNodeVersion } from './node-version.ts'

demandNodeVersion()
// The second start reads what the first one compiled. Named, it would fail on a Node that lacks it.
module.enableCompileCache()
const { serve } = await import('./serve.ts')
await serve()
