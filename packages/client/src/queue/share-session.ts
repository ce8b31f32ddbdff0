/**
 * A share session with one broker (KIP-932): the broker remembers which partitions we fetch, so requests say only what changed, and what
 * is acknowledged. Decisions alone; a lane sends the requests, one at a time.
 *
 *   epoch 0: begins a session, names all partitions, acknowledges nothing      1, 2, …: continues it      -1: ends it
 */
import type { AckBatch } from './acknowledgement.ts'
import { placeKey } from './place.ts'

export interface SharedPlace {
  readonly topicId: string
  readonly partition: number
  readonly key: string
}

export interface PlaceAcks {
  readonly topicId: string
  readonly partition: number
  readonly batches: readonly AckBatch[]
}

export interface SessionTopics {
  topicId: string
  partitions: { partitionIndex: number; acknowledgementBatches: AckBatch[] }[]
}

const lastEpoch = 0x7fff_ffff
export const endOfSession = -1

export class ShareSession {
  #epoch = 0
  #known = new Map<string, SharedPlace>()
  #said = new Map<string, SharedPlace>()

  get epoch(): number {
    return this.#epoch
  }

  /** Acknowledgements need one. */
  get isOpen(): boolean {
    return this.#epoch > 0
  }

  fetch(wanted: readonly SharedPlace[], acks: readonly PlaceAcks[]) {
    this.#said = new Map(wanted.map(place => [place.key, place]))
    const named = new Map<string, PlaceAcks>()
    for (const { topicId, partition, key } of wanted) {
      if (!this.#known.has(key)) named.set(key, { topicId, partition, batches: [] })
    }
    for (const ack of acks) named.set(placeKey(ack.topicId, ack.partition), ack)
    const forgotten = [...this.#known.values()].filter(({ key }) => !this.#said.has(key))
    return {
      shareSessionEpoch: this.#epoch,
      topics: byTopic([...named.values()]),
      forgottenTopicsData: idsOf(forgotten),
    }
  }

  acknowledge(acks: readonly PlaceAcks[]) {
    this.#said = this.#known
    return { shareSessionEpoch: this.#epoch, topics: byTopic(acks) }
  }

  answered(): void {
    this.#known = this.#said
    this.#epoch = this.#epoch === lastEpoch ? 1 : this.#epoch + 1
  }

  /** The broker has forgotten it, or nobody knows what it remembers. */
  lost(): void {
    this.#epoch = 0
    this.#known = new Map()
  }
}

function byTopic(acks: readonly PlaceAcks[]): SessionTopics[] {
  const topics = Map.groupBy(acks, ({ topicId }) => topicId)
  return Array.from(topics, ([topicId, some]) => ({
    topicId,
    partitions: some.map(({ partition, batches }) => ({
      partitionIndex: partition,
      acknowledgementBatches: [...batches],
    })),
  }))
}

function idsOf(places: readonly SharedPlace[]): { topicId: string; partitions: number[] }[] {
  const topics = Map.groupBy(places, ({ topicId }) => topicId)
  return Array.from(topics, ([topicId, some]) => ({ topicId, partitions: some.map(({ partition }) => partition) }))
}
