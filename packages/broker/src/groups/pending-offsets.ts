import type { OffsetChange, Place } from './committed-offset.ts'

export interface PendingOffset {
  readonly groupId: string
  readonly change: OffsetChange
  readonly recordOffset: number
}

/** Offsets that transactions have committed which are still open, in one shard: by producer, and how many there are of each place. */
export class PendingOffsets {
  readonly #byProducer = new Map<bigint, PendingOffset[]>()
  /** By group, then place. */
  readonly #counts = new Map<string, Map<string, Place & { count: number }>>()

  add(pending: PendingOffset, producerId: bigint): void {
    const all = this.#byProducer.get(producerId)
    if (all) all.push(pending)
    else this.#byProducer.set(producerId, [pending])
    this.#count(pending, 1)
  }

  /** Takes away what a producer had pending, in the order it came. */
  end(producerId: bigint): readonly PendingOffset[] {
    const pending = this.#byProducer.get(producerId) ?? []
    this.#byProducer.delete(producerId)
    for (const one of pending) this.#count(one, -1)
    return pending
  }

  /** What stands before `recordOffset` will not count any more. */
  forget(groupId: string, { topic, partition }: Place, recordOffset: number): void {
    if (!this.has(groupId, topic, partition)) return
    const isMeant = (one: PendingOffset) =>
      one.recordOffset < recordOffset &&
      one.groupId === groupId &&
      one.change.topic === topic &&
      one.change.partition === partition
    for (const [producerId, pending] of this.#byProducer) {
      const kept = pending.filter(one => !isMeant(one))
      for (const one of pending) if (isMeant(one)) this.#count(one, -1)
      if (kept.length > 0) this.#byProducer.set(producerId, kept)
      else this.#byProducer.delete(producerId)
    }
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.#counts.get(groupId)?.has(placeKey(topic, partition)) ?? false
  }

  hasAny(groupId: string): boolean {
    return this.#counts.has(groupId)
  }

  places(groupId: string): Iterable<Place> {
    return this.#counts.get(groupId)?.values() ?? []
  }

  groupIds(): Iterable<string> {
    return this.#counts.keys()
  }

  #count({ groupId, change: { topic, partition } }: PendingOffset, step: 1 | -1): void {
    let places = this.#counts.get(groupId)
    if (!places) this.#counts.set(groupId, (places = new Map()))
    const key = placeKey(topic, partition)
    const count = (places.get(key)?.count ?? 0) + step
    if (count > 0) places.set(key, { topic, partition, count })
    else places.delete(key)
    if (places.size === 0) this.#counts.delete(groupId)
  }
}

const placeKey = (topic: string, partition: number): string => `${partition} ${topic}`
