import { existsSync } from 'node:fs'
import { type Config, ConfigError, loadConfig } from './config.ts'

/** The settings of the environment and of `.env` of the working directory. @throws ConfigError */
export function readSettings(): Config {
  try {
    if (existsSync('.env')) process.loadEnvFile('.env')
  } catch (cause) {
    throw new ConfigError('.env: cannot be read', { cause })
  }
  return loadConfig(process.env)
}
