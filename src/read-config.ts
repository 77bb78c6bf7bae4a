import { existsSync } from 'node:fs'
import { type Config, loadConfig } from './config.ts'

/** The settings of the environment and of `.env` of the working directory. @throws ConfigError */
export function readSettings(): Config {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return loadConfig(process.env)
}
