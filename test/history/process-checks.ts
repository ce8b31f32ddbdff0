/** Checks of what one process saw, one event after the other. */
import type { Anomaly } from './anomaly.ts'
import type { HistoryEvent, PollEvent } from './history-event.ts'
import type { Recorded, Send } from './recorded.ts'

interface Position {
  offset: number
  at: number
}

/** Polls go forward and pass over nothing. Where records may be compacted away, only forward is asked for. */
export function polls(history: Recorded, isCompacted: (partition: string) => boolean): Anomaly[] {
  const found: Anomaly[] = []
  const positions = new Map<string, Map<string, Position>>()
  history.events.forEach((event, at) => {
    if (event.kind === 'assign') {
      for (const partition of event.partitions) positions.get(event.process)?.delete(partition)
    } else if (event.kind === 'seek') positions.get(event.process)?.delete(event.partition)
    else if (event.kind === 'poll') {
      const ofProcess = positions.get(event.process) ?? new Map<string, Position>()
      positions.set(event.process, ofProcess)
      found.push(...pollAnomalies(history, event, at, ofProcess, isCompacted))
    }
  })
  return found
}

function pollAnomalies(
  history: Recorded,
  { records, process }: PollEvent,
  at: number,
  positions: Map<string, Position>,
  isCompacted: (partition: string) => boolean,
): Anomaly[] {
  const found: Anomaly[] = []
  for (const { partition, offset } of records) {
    const last = positions.get(partition)
    positions.set(partition, { offset, at })
    if (last === undefined) continue
    const isInternal = last.at === at
    const way = `${process} read ${partition}@${last.offset} and then @${offset}`
    if (offset <= last.offset) {
      const name = isInternal ? 'int-nonmonotonic-poll' : 'nonmonotonic-poll'
      found.push({ name, what: way, events: history.show(last.at, at) })
    } else if (!isCompacted(partition)) {
      const skipped = history.between(partition, last.offset, offset)
      if (skipped.length === 0) continue
      const [first] = skipped
      const { value, at: seenAt, polledAt } = history.partition(partition).first.get(first!)!
      const what = `${way}; ${value} is at ${first}, and so ${skipped.length} in all`
      const events = history.show(seenAt, last.at, at)
      found.push({ name: isInternal ? 'int-poll-skip' : 'poll-skip', what, events })
      if (polledAt >= 0 && polledAt < last.at)
        found.push({ name: 'visible-then-gone', what, events: history.show(polledAt, last.at, at) })
    }
  }
  return found
}

/** What was read has to be among what is read in the end. */
export function finalReads(history: Recorded, isCompacted: (partition: string) => boolean): Anomaly[] {
  const found: Anomaly[] = []
  history.events.forEach((end, at) => {
    if (end.kind !== 'end' || isCompacted(end.partition)) return
    const read = new Set<number>()
    for (const { event } of pollsOf(history.events, end.process))
      for (const { partition, offset } of event.records) if (partition === end.partition) read.add(offset)
    const partition = history.partition(end.partition)
    for (const [offset, { value, polledAt }] of partition.first) {
      if (polledAt < 0 || offset < partition.trimmedTo || read.has(offset) || history.isHit(end.partition, offset))
        continue
      const what = `${value} was read at ${end.partition}@${offset}, which in the end is not there`
      found.push({ name: 'visible-then-gone', what, events: history.show(polledAt, at) })
    }
  })
  return found
}

/** Of one process. */
export function* pollsOf(events: readonly HistoryEvent[], process: string): Iterable<{ event: PollEvent; at: number }> {
  for (const [at, event] of events.entries())
    if (event.kind === 'poll' && event.process === process) yield { event, at }
}

/** Records of one process stand in the order they were sent in. Offsets that promise nothing may be taken back, and are left out. */
export function sendOrder(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const last = new Map<string, Send>()
  for (const send of history.sends.values()) {
    const { event, outcome, partition, offset } = send
    if (outcome !== 'sent' || offset < 0 || event.durable === false || event.ordered === false) continue
    const lane = `${event.process} ${partition}`
    const before = last.get(lane)
    last.set(lane, send)
    if (before === undefined) continue
    const isInternal = event.transaction !== undefined && event.transaction === before.event.transaction
    const events = history.show(before.at, before.endedAt, send.at, send.endedAt)
    const way = `${event.process} got ${partition}@${before.offset} for ${before.event.value}, then @${offset} for ${event.value}`
    if (offset <= before.offset)
      found.push({ name: isInternal ? 'int-nonmonotonic-send' : 'nonmonotonic-send', what: way, events })
    else if (isInternal && history.between(partition!, before.offset, offset).length > 0)
      found.push({ name: 'int-send-skip', what: way, events })
  }
  return found
}
