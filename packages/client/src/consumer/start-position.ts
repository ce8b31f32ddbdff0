/** Where to begin, in the words of ListOffsets: a timestamp, of which the negative ones have names. */
import type { StartPosition } from './engine.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export const latestTimestamp = -1
export const earliestTimestamp = -2

/** A known offset, a question to the broker, or nothing at all. */
export type Start = { offset: number } | { timestamp: number } | 'fail'

export function startOf(from: StartPosition | number, at: TopicPartition): Start {
  if (typeof from === 'number') return { offset: from }
  if (from === 'fail') return 'fail'
  if (from === 'earliest') return { timestamp: earliestTimestamp }
  if (from === 'latest') return { timestamp: latestTimestamp }
  if ('timestamp' in from) return { timestamp: from.timestamp }
  const { offsets } = from
  const key = keyOf(at)
  const offset = offsets instanceof Map ? offsets.get(key) : (offsets as Readonly<Record<string, number>>)[key]
  return offset === undefined ? { timestamp: earliestTimestamp } : { offset }
}

/** Where to go when the position itself has been deleted: an offset that was named is no help any more. */
export function resetOf(from: StartPosition, at: TopicPartition): Start {
  const start = startOf(from, at)
  return start !== 'fail' && 'offset' in start ? { timestamp: earliestTimestamp } : start
}
