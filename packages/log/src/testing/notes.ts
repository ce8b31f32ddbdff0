/** A logger that remembers. */
import type { LogLogger } from '../log-services.ts'

export interface Notes extends LogLogger {
  readonly lines: string[]
}

export function notes(): Notes {
  const lines: string[] = []
  const note = (fields: object, message: string) => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  return { lines, info: note, warn: note, error: note }
}
