import { pino } from 'pino'
import type { Config } from './config.ts'

export type Logger = pino.Logger

/** JSON lines on standard output; secrets are never passed in, tokens in addresses are cut by `withoutQuery`. */
export function createLogger(config: Pick<Config, 'LOG_LEVEL' | 'NODE_NAME'>): Logger {
  return pino({
    level: config.LOG_LEVEL,
    base: { node: config.NODE_NAME },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}

/** An address as it may be logged or stored: queries carry tokens, and so do the paths of links. */
export function withoutQuery(url: string): string {
  const end = url.search(/[?#]/)
  return (end === -1 ? url : url.slice(0, end)).replace(/eyJ[\w-]*\.[\w.-]*/g, '…')
}
