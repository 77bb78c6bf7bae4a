#!/usr/bin/env node
import { demandNodeVersion } from './node-version.ts'

demandNodeVersion()
const { serve } = await import('./serve.ts')
await serve()
