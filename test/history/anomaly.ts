/** What can be wrong with a history. The names up to `G1c` are Jepsen's for logs; those after it are ours. */
import type { HistoryEvent } from './history-event.ts'

export const anomalies = {
  'inconsistent-offsets': 'two different records were seen at one offset',
  G1a: 'a record was read whose send failed, or whose transaction was aborted',
  'lost-write': 'an acknowledged record is missing, though records after it were read, or the whole log was',
  duplicate: 'a record that was to be written once is at two offsets',
  unseen: 'an acknowledged record beyond everything that was read',
  'poll-skip': 'between two polls, a process passed over a record',
  'nonmonotonic-poll': 'between two polls, a process went back',
  'nonmonotonic-send': 'a process got a smaller offset for a later send',
  'int-poll-skip': 'within one poll, a record was passed over',
  'int-nonmonotonic-poll': 'within one poll, offsets go back',
  'int-nonmonotonic-send': 'within one transaction, offsets of sends go back',
  'int-send-skip': 'within one transaction, a record of somebody else stands between two sends',
  G0: 'transactions whose writes follow each other in a circle',
  G1c: 'transactions that have read each other in a circle',
  phantom: 'a record was read that nobody sent',
  'visible-then-gone': 'a record was read, and later was not there, or another was at its offset',
  'deleted-then-back': 'a record was read, or a log start seen, from before a log start that had been answered',
  'commit-regression': 'a group had committed more than it was told later',
  'commit-unfounded': 'a group was told an offset that nobody had committed',
  unprocessed: 'a group has committed an offset, and no member ever read a record before it',
  'last-value-gone': 'the last value of a key is gone from a compacted partition',
  'old-value-back': 'an older value of a key stands as its last in a compacted partition',
  'rot-served': 'bytes were handed out that do not match their checksum',
  'refused-unharmed': 'a record was refused as damaged that nothing had happened to',
  'owned-twice': 'two members of a group owned a partition at once, or in one generation',
  'effect-twice': 'what was to be done once with a record was done and committed twice',
  'effect-missing': 'a group has committed that a record is processed, and its effect is not there',
  'torn-transaction': 'what a transaction wrote is there, and the offsets that it committed are not',
  'delivered-after-done': 'a queue delivered a record again that had been acknowledged or rejected',
  'not-delivered': 'nobody has settled a record of a queue, and it was delivered to nobody any more',
  'tombstone-early': 'a tombstone is gone before its time',
} as const

export type AnomalyName = keyof typeof anomalies

/** Kafka does not promise against them: producers write between each other. */
const allowed: ReadonlySet<AnomalyName> = new Set(['G0', 'int-send-skip'])

export interface Anomaly {
  name: AnomalyName
  /** One sentence with the values. */
  what: string
  /** Of the events that show it. */
  events: readonly { at: number; event: HistoryEvent }[]
}

export const isFailure = ({ name }: Anomaly): boolean => !allowed.has(name)

/** The anomaly and its events, as a person reads them. */
export function anomalyText({ name, what, events }: Anomaly): string {
  const lines = events.map(({ at, event }) => `    #${at} ${eventText(event)}`)
  return [`${name}: ${what}`, ...lines].join('\n')
}

const mostRecordsShown = 12

export function eventText(event: HistoryEvent): string {
  const { kind, ...rest } = event
  const fields = Object.entries(rest).map(([name, value]) => {
    if (name !== 'records') return `${name}=${Array.isArray(value) ? value.join(',') : value}`
    const records = value as { partition: string; offset: number; value: string }[]
    const shown = records
      .slice(0, mostRecordsShown)
      .map(record => `${record.partition}@${record.offset}=${record.value}`)
    return [...shown, ...(records.length > shown.length ? [`and ${records.length - shown.length} more`] : [])].join(' ')
  })
  return `${kind} ${fields.join(' ')}`
}
