#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { demandNodeVersion } from './node-version.ts'

demandNodeVersion()
// The second start reads what the first one compiled.
enableCompileCache()
const { serve } = await import('./serve.ts')
await serve()
