/**
 * A history, indexed: what became of each send, and what was seen at each offset of each partition.
 *
 *     sightings of a partition:   offset ─▶ first value seen there, by whom, and every other value, if there is one
 *
 * Offsets of answers that promise nothing (acks=1) are no sightings: the record may be lost, and its offset given to another.
 */
import type { HistoryEvent, SendEvent, SentEvent } from './history-event.ts'

export interface Send {
  at: number
  event: SendEvent
  outcome: 'open' | 'sent' | 'failed' | 'unknown'
  /** Of the event that told the outcome. */
  endedAt: number
  partition: string | undefined
  offset: number
}

export interface Sighting {
  value: string
  /** Of the first event that showed it. */
  at: number
  /** Of the first poll that showed it; -1 when no poll did. */
  polledAt: number
}

export interface PartitionSightings {
  /** The first value seen at an offset. */
  readonly first: Map<number, Sighting>
  /** Where more than one was seen: all of them. */
  readonly conflicts: Map<number, Sighting[]>
  highestPolled: number
  /** Before it records may be gone. */
  trimmedTo: number
}

export class Recorded {
  readonly events: readonly HistoryEvent[]
  readonly sends = new Map<string, Send>()
  readonly partitions = new Map<string, PartitionSightings>()
  readonly aborted = new Set<string>()
  readonly #hit = new Map<string, Set<number>>()
  #sorted = new Map<string, number[]>()

  constructor(events: readonly HistoryEvent[]) {
    this.events = events
    for (const [at, event] of events.entries()) this.#add(event, at)
  }

  partition(name: string): PartitionSightings {
    let found = this.partitions.get(name)
    if (found === undefined) {
      found = { first: new Map(), conflicts: new Map(), highestPolled: -1, trimmedTo: 0 }
      this.partitions.set(name, found)
    }
    return found
  }

  show(...at: number[]): { at: number; event: HistoryEvent }[] {
    return [...new Set(at)]
      .filter(index => index >= 0)
      .sort((a, b) => a - b)
      .map(index => ({ at: index, event: this.events[index]! }))
  }

  /** Durable bytes of this record have changed. */
  isHit(partition: string, offset: number): boolean {
    return this.#hit.get(partition)?.has(offset) === true
  }

  /** Offsets strictly between the two at which something was seen, and that may not be gone. */
  between(name: string, from: number, to: number): number[] {
    if (to - from <= 1) return []
    let offsets = this.#sorted.get(name)
    if (offsets === undefined) {
      offsets = [...this.partition(name).first.keys()].sort((a, b) => a - b)
      this.#sorted.set(name, offsets)
    }
    const least = Math.max(from + 1, this.partition(name).trimmedTo)
    const found: number[] = []
    for (let i = firstNotBelow(offsets, least); i < offsets.length && offsets[i]! < to; i++)
      if (!this.isHit(name, offsets[i]!)) found.push(offsets[i]!)
    return found
  }

  #add(event: HistoryEvent, at: number): void {
    if (event.kind === 'send') {
      const { partition } = event
      this.sends.set(event.value, { at, event, outcome: 'open', endedAt: -1, partition, offset: -1 })
    } else if (event.kind === 'sent') this.#sent(event, at)
    else if (event.kind === 'send-failed') this.#ended(event.value, 'failed', at)
    else if (event.kind === 'send-unknown') this.#ended(event.value, 'unknown', at)
    else if (event.kind === 'poll') {
      for (const { partition, offset, value } of event.records) this.#see(partition, offset, value, at, true)
    } else if (event.kind === 'trim') {
      const partition = this.partition(event.partition)
      partition.trimmedTo = Math.max(partition.trimmedTo, event.before)
    } else if (event.kind === 'rot') {
      const hit = this.#hit.get(event.partition) ?? new Set()
      this.#hit.set(event.partition, hit)
      for (let offset = event.from; offset < event.to; offset++) hit.add(offset)
    } else if (event.kind === 'end-transaction' && event.outcome === 'aborted') this.aborted.add(event.transaction)
  }

  #sent({ value, partition, offset }: SentEvent, at: number): void {
    const send = this.#ended(value, 'sent', at)
    if (send === undefined) return
    send.partition = partition
    send.offset = offset
    if (offset >= 0 && send.event.durable !== false) this.#see(partition, offset, value, at, false)
  }

  #ended(value: string, outcome: Send['outcome'], at: number): Send | undefined {
    const send = this.sends.get(value)
    if (send !== undefined) Object.assign(send, { outcome, endedAt: at })
    return send
  }

  #see(name: string, offset: number, value: string, at: number, byPoll: boolean): void {
    const partition = this.partition(name)
    if (byPoll && offset > partition.highestPolled) partition.highestPolled = offset
    const first = partition.first.get(offset)
    if (first === undefined) {
      partition.first.set(offset, { value, at, polledAt: byPoll ? at : -1 })
      return
    }
    const all = partition.conflicts.get(offset) ?? [first]
    const same = all.find(sighting => sighting.value === value)
    if (same !== undefined) {
      if (byPoll && same.polledAt < 0) same.polledAt = at
      return
    }
    partition.conflicts.set(offset, [...all, { value, at, polledAt: byPoll ? at : -1 }])
  }
}

function firstNotBelow(sorted: readonly number[], least: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < least) low = middle + 1
    else high = middle
  }
  return low
}
