/**
 * Checks of compacted partitions: whatever else is gone, the last value of each key is there, and what is there is its last.
 *
 * The last is the one with the highest offset that was acknowledged or read. A tombstone may go once its time is over; nothing older
 * than it may come back.
 *
 * A tombstone that was promised nothing (acks=1, no answer) may be in the log all the same: then it deletes its key like any other, goes
 * in its time, and nobody has ever seen it.
 */
import type { Anomaly } from './anomaly.ts'
import type { EndEvent } from './history-event.ts'
import { pollsOf } from './process-checks.ts'
import type { Recorded, Send } from './recorded.ts'

export interface CompactionRules {
  isCompacted: (partition: string) => boolean
  /** How long a tombstone stays at least; compared with `at` of its send and of the end. */
  deleteRetentionMs?: number | ((partition: string) => number)
}

export function compaction(history: Recorded, rules: CompactionRules): Anomaly[] {
  return history.events.flatMap((end, at) =>
    end.kind === 'end' && rules.isCompacted(end.partition) ? endOfCompacted(history, end, at, rules) : [],
  )
}

interface Latest {
  offset: number
  value: string
  at: number
}

function endOfCompacted(history: Recorded, end: EndEvent, at: number, rules: CompactionRules): Anomaly[] {
  const found: Anomaly[] = []
  const read = new Map<string, Latest>()
  for (const { event, at } of pollsOf(history.events, end.process)) {
    for (const { partition, offset, value } of event.records) {
      const key = history.sends.get(value)?.event.key
      if (partition !== end.partition || key === undefined) continue
      if (offset > (read.get(key)?.offset ?? -1)) read.set(key, { offset, value, at })
    }
  }
  for (const [key, last] of lastByKey(history, end)) {
    const there = read.get(key)
    if (there?.offset === last.offset) continue
    const send = history.sends.get(last.value)!
    const events = history.show(send.at, last.at, there?.at ?? -1, at)
    if (there !== undefined) {
      const what = `key ${key} ends with ${last.value} at ${last.offset} of ${end.partition}, but ${there.value} at ${there.offset} was read as its last`
      found.push({ name: 'old-value-back', what, events })
    } else if (!send.event.tombstone) {
      if (mayBeDeleted(history, key, last, end, rules)) continue
      const what = `${last.value} at ${last.offset} of ${end.partition} is the last of key ${key}, and is gone`
      found.push({ name: 'last-value-gone', what, events })
    } else if (isYoung(send, end, rules)) {
      const what = `${last.value} at ${last.offset} of ${end.partition} is the tombstone of key ${key}, and is gone already`
      found.push({ name: 'tombstone-early', what, events })
    }
  }
  return found
}

/** By key, the record with the highest offset that is known. */
function lastByKey(history: Recorded, { partition }: EndEvent): Map<string, Latest> {
  const last = new Map<string, Latest>()
  const { first, trimmedTo } = history.partition(partition)
  for (const [offset, { value, at }] of first) {
    const key = history.sends.get(value)?.event.key
    if (key === undefined || offset < trimmedTo) continue
    if (offset > (last.get(key)?.offset ?? -1)) last.set(key, { offset, value, at })
  }
  return last
}

/** Whether a tombstone that nobody saw may have come after the last that is known, and gone in its time. */
function mayBeDeleted({ sends }: Recorded, key: string, last: Latest, end: EndEvent, rules: CompactionRules): boolean {
  return [...sends.values()].some(send => {
    const { event, outcome, partition, offset } = send
    if (event.key !== key || event.tombstone !== true || outcome === 'failed') return false
    if (partition !== undefined && partition !== end.partition) return false
    const mayBeLater = outcome !== 'sent' || offset < 0 || offset > last.offset
    return mayBeLater && !isYoung(send, end, rules)
  })
}

/** Even if it was written when it was sent, its time is not over. */
function isYoung({ event }: Send, end: EndEvent, { deleteRetentionMs }: CompactionRules): boolean {
  if (deleteRetentionMs === undefined || event.at === undefined || end.at === undefined) return false
  const leastMs = typeof deleteRetentionMs === 'number' ? deleteRetentionMs : deleteRetentionMs(end.partition)
  return end.at - event.at < leastMs
}
