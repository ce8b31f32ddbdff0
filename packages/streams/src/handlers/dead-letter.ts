/**
 * Records for a dead-letter topic as KIP-1034 has them: key, value and timestamp of the record that was read, and six headers of UTF-8
 * text. A header is null where there is nothing to tell; without a record partition and offset are -1.
 */
import type { RecordHeaders } from '../record.ts'
import type { DeadLetter, FailurePlace } from './handlers.ts'

const text = new TextEncoder()

/** Throws TypeError without a topic: neither here nor in `deadLetterTopic` of the application. */
export function deadLetter(error: unknown, at: FailurePlace, topic = at.deadLetterTopic): DeadLetter {
  if (topic === undefined)
    throw new TypeError('no dead-letter topic: name one, or set `deadLetterTopic` of the application')
  return {
    topic,
    key: at.sourceKey,
    value: at.sourceValue,
    timestamp: at.timestamp,
    headers: errorHeaders(error, at),
  }
}

/** In Kafka's order. */
export function errorHeaders(error: unknown, at: FailurePlace): RecordHeaders {
  const header = (name: string, value: string | null) =>
    [`__streams.errors.${name}`, value === null ? null : text.encode(value)] as const
  return [
    header('exception', className(error)),
    header('message', error instanceof Error ? error.message : String(error)),
    header('stacktrace', stackOf(error)),
    header('topic', at.topic ?? null),
    header('partition', String(at.partition ?? -1)),
    header('offset', String(at.offset ?? -1)),
  ]
}

function className(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return error.name === 'Error' ? error.constructor.name : error.name
}

/** With what caused it, as Java prints it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${className(error)}: ${error.message}`
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`
}
