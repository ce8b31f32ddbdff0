import { ProtocolError } from '@odradek/client'
import { StreamsError } from '../streams-error.ts'
import type { OutgoingRecord } from '../task/collector.ts'

/** The end of an instance: what it wrote is not there. Names who wrote it, and where to. */
export function undelivered(cause: Error, writersOf: (topic: string) => string, record?: OutgoingRecord): StreamsError {
  if (cause instanceof StreamsError) return cause
  const first = cause instanceof AggregateError ? (cause.errors[0] as Error) : cause
  const { topic = record?.topic, partition = record?.partition } = first instanceof ProtocolError ? first : {}
  const who = topic === undefined ? 'this application' : writersOf(topic)
  const where = topic === undefined ? '' : ` to ${topic}${partition === undefined ? '' : `-${partition}`}`
  return new StreamsError(
    'PRODUCTION',
    `What ${who} wrote${where} could not be delivered: ${cause.message} Offsets were not committed: it is processed again after a restart.`,
    { cause, ...(topic !== undefined && { topic, node: who }), ...(partition !== undefined && { partition }) },
  )
}
