/** Acknowledgements that wait for the next request to a node, by partition. One that comes later for the same record replaces the first. */
import { AckType, ackBatches } from './acknowledgement.ts'
import type { Delivery } from './delivery.ts'
import type { Place } from './place.ts'
import type { PlaceAcks } from './share-session.ts'

export interface Ack {
  readonly offset: number
  readonly type: AckType
  /** Undefined for what nobody has seen: gaps, damaged records. */
  readonly delivery: Delivery | undefined
}

/** What one request says of one partition; the broker takes all of it, or nothing. */
export interface Gathered {
  readonly place: Place
  readonly acks: readonly Ack[]
}

export class Gatherer {
  readonly #places = new Map<string, { place: Place; acks: Map<number, Ack> }>()

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  add(place: Place, ack: Ack): void {
    let entry = this.#places.get(place.key)
    if (!entry) this.#places.set(place.key, (entry = { place, acks: new Map() }))
    entry.acks.set(ack.offset, ack)
  }

  /** What waits to be said of this record, and is not said then. */
  remove(place: Place, offset: number): Ack | undefined {
    const entry = this.#places.get(place.key)
    const ack = entry?.acks.get(offset)
    if (entry?.acks.delete(offset) && entry.acks.size === 0) this.#places.delete(place.key)
    return ack
  }

  /** Back from a request that was not looked at. */
  putBack(all: readonly Gathered[]): void {
    for (const { place, acks } of all) {
      const newer = this.#places.get(place.key)?.acks
      for (const ack of acks) if (!newer?.has(ack.offset)) this.add(place, ack)
    }
  }

  takeAll(): Gathered[] {
    const all = Array.from(this.#places.values(), ({ place, acks }) => ({ place, acks: [...acks.values()] }))
    this.#places.clear()
    return all
  }
}

export function asSent({ place: { topicId, partition }, acks }: Gathered): PlaceAcks {
  return { topicId, partition, batches: ackBatches(acks) }
}

/** How many records are held no more when all this is taken. */
export function countDone(all: readonly Gathered[]): number {
  let done = 0
  for (const { acks } of all) {
    for (const { type, delivery } of acks) if (delivery && type !== AckType.renew && !delivery.lock.isOver) done++
  }
  return done
}

/** Nothing is said of this delivery any more. */
export function without(all: readonly Gathered[], delivery: Delivery): Gathered[] {
  return some(all, ack => ack.delivery !== delivery)
}

/** Those whose locks are held, or that need none, and those whose locks have passed. */
export function byLock(all: readonly Gathered[]): { locked: Gathered[]; passed: Gathered[] } {
  const isPassed = ({ delivery }: Ack): boolean => delivery?.lock.isOver === true
  const passed = some(all, isPassed)
  return { passed, locked: passed.length === 0 ? [...all] : some(all, ack => !isPassed(ack)) }
}

function some(all: readonly Gathered[], isOne: (ack: Ack) => boolean): Gathered[] {
  return all.map(({ place, acks }) => ({ place, acks: acks.filter(isOne) })).filter(({ acks }) => acks.length > 0)
}

/** One of these may have passed its lock, which the broker holds against all: find out which. */
export function halves({ place, acks }: Gathered): Gathered[] {
  const middle = acks.length >> 1
  return [
    { place, acks: acks.slice(0, middle) },
    { place, acks: acks.slice(middle) },
  ]
}
