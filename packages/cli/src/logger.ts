import { styleText } from 'node:util'
import type { Logger } from '@odradek/broker'

const levels = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof levels)[number]
const colours = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' } as const

/** One line an event, to stderr: stdout belongs to what a command prints. Fields follow the sentence as name=value. */
export function terminalLogger(least: Level): Logger {
  const log = (level: Level) => (fields: object, message: string) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return
    const detail = Object.entries(fields)
      .map(
        ([name, value]) =>
          ` ${name}=${value instanceof Error ? value.message : typeof value === 'object' ? JSON.stringify(value) : value}`,
      )
      .join('')
    process.stderr.write(
      `${styleText(colours[level], level.padEnd(5), { stream: process.stderr })} ${message}${styleText('dim', detail, { stream: process.stderr })}\n`,
    )
  }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}
