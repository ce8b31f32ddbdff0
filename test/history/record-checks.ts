/** Checks of single records: where each was seen, and whether it may have been. */
import type { Anomaly } from './anomaly.ts'
import type { PartitionSightings, Recorded, Send, Sighting } from './recorded.ts'

/** Two records at one offset; and when the first had been read, it is gone now. */
export function conflictingOffsets(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  for (const [name, { conflicts }] of history.partitions) {
    for (const [offset, sightings] of conflicts) {
      const values = sightings.map(({ value }) => value).join(' and ')
      const events = history.show(...sightings.flatMap(({ at, polledAt }) => [at, polledAt]))
      found.push({ name: 'inconsistent-offsets', what: `${name} has ${values} at offset ${offset}`, events })
      const read = sightings.findIndex(({ polledAt }) => polledAt >= 0)
      const later = sightings.find((other, i) => i !== read && read >= 0 && lastSeen(other) > sightings[read]!.polledAt)
      if (later === undefined) continue
      const what = `${sightings[read]!.value} was read at offset ${offset} of ${name}, where later ${later.value} was`
      found.push({ name: 'visible-then-gone', what, events })
    }
  }
  return found
}

const lastSeen = ({ at, polledAt }: Sighting): number => Math.max(at, polledAt)

/** Aborted reads, records nobody sent, and records that are there twice. */
export function wrongRecords(history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const places = new Map<string, { place: string; at: number }>()
  for (const { name, offset, sighting } of eachSighting(history)) {
    const { value, at, polledAt } = sighting
    const place = `${name}@${offset}`
    const send = history.sends.get(value)
    if (send === undefined) {
      found.push({ name: 'phantom', what: `nobody sent ${value}, found at ${place}`, events: history.show(at) })
      continue
    }
    if (polledAt >= 0 && wasAborted(history, send)) {
      const what = `${value} was read at ${place}, though its send ${send.outcome === 'failed' ? 'failed' : 'was aborted'}`
      found.push({ name: 'G1a', what, events: history.show(send.at, send.endedAt, polledAt) })
    }
    const other = places.get(value)
    if (other === undefined) places.set(value, { place, at })
    else if (send.event.once !== false) {
      const what = `${value} is at ${other.place} and at ${place}`
      found.push({ name: 'duplicate', what, events: history.show(send.at, other.at, at) })
    }
  }
  return found
}

const wasAborted = (history: Recorded, { outcome, event: { transaction } }: Send): boolean =>
  outcome === 'failed' || (transaction !== undefined && history.aborted.has(transaction))

function* eachSighting(history: Recorded): Iterable<{ name: string; offset: number; sighting: Sighting }> {
  for (const [name, { first, conflicts }] of history.partitions) {
    for (const [offset, sighting] of first) {
      for (const each of conflicts.get(offset) ?? [sighting]) yield { name, offset, sighting: each }
    }
  }
}

/** Acknowledged and never read. Jepsen's rule: lost when something after it was read, else unseen; lost also when the end was read. */
export function missingRecords(history: Recorded, isCompacted: (partition: string) => boolean): Anomaly[] {
  const ends = new Map(
    history.events.flatMap((event, at) => (event.kind === 'end' ? [[event.partition, { event, at }] as const] : [])),
  )
  const found: Anomaly[] = []
  for (const [value, send] of history.sends) {
    const { partition: name, offset } = send
    if (!isPromised(send) || name === undefined || isCompacted(name) || wasAborted(history, send)) continue
    const partition = history.partition(name)
    const end = ends.get(name)
    const isKnownToBeThere = wasPolled(partition, offset, value)
    if (isKnownToBeThere || offset < partition.trimmedTo || history.isHit(name, offset)) continue
    const isLost = offset <= partition.highestPolled || end !== undefined
    const what = `${value} was acknowledged at ${name}@${offset}, and nobody ever read it`
    const events = history.show(send.at, send.endedAt, end?.at ?? -1)
    found.push({ name: isLost ? 'lost-write' : 'unseen', what, events })
  }
  return found
}

const isPromised = ({ outcome, offset, event }: Send): boolean =>
  outcome === 'sent' && offset >= 0 && event.durable !== false

function wasPolled({ first, conflicts }: PartitionSightings, offset: number, value: string): boolean {
  const sightings = conflicts.get(offset) ?? [first.get(offset)]
  return sightings.some(sighting => sighting !== undefined && sighting.value === value && sighting.polledAt >= 0)
}
