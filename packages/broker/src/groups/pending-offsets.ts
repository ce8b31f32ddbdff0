import type { OffsetChange, Place } from './committed-offset.ts'

export interface PendingOffset {
  readonly groupId: string
  readonly change: OffsetChange
  readonly recordOffset: number
}

/**
 * Offsets that transactions have committed which are still open, in one shard: by producer, and how many producers there are at each place.
 * Of a place a transaction's last commit is all that can count.
 */
export class PendingOffsets {
  readonly #byProducer = new Map<bigint, Map<string, PendingOffset>>()
  /** By group, then place. */
  readonly #counts = new Map<string, Map<string, Place & { count: number }>>()

  add(pending: PendingOffset, producerId: bigint): void {
    let all = this.#byProducer.get(producerId)
    if (!all) this.#byProducer.set(producerId, (all = new Map()))
    const key = pendingKey(pending.groupId, pending.change)
    if (!all.has(key)) this.#count(pending, 1)
    all.set(key, pending)
  }

  /** Takes away what a producer had pending. */
  end(producerId: bigint): readonly PendingOffset[] {
    const pending = [...(this.#byProducer.get(producerId)?.values() ?? [])]
    this.#byProducer.delete(producerId)
    for (const one of pending) this.#count(one, -1)
    return pending
  }

  /** What stands before `recordOffset` will not count any more. */
  forget(groupId: string, place: Place, recordOffset: number): void {
    if (!this.has(groupId, place.topic, place.partition)) return
    const key = pendingKey(groupId, place)
    for (const [producerId, all] of this.#byProducer) {
      const pending = all.get(key)
      if (pending === undefined || pending.recordOffset > recordOffset) continue
      all.delete(key)
      this.#count(pending, -1)
      if (all.size === 0) this.#byProducer.delete(producerId)
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

const pendingKey = (groupId: string, { topic, partition }: Place): string => `${partition} ${topic} ${groupId}`
const placeKey = (topic: string, partition: number): string => `${partition} ${topic}`
