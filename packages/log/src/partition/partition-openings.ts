/**
 * Partitions on their way to being open: many at a time, each once however often it is asked for. Those that fail for want of a
 * descriptor are opened after the others, one by one: many at a time need many.
 */
import { eachOf } from '../each-of.ts'
import type { PartitionId } from '../engine.ts'
import { isOutOfDescriptors } from '../folder/thrifty-disk.ts'

interface Partition {
  index: number
  id: PartitionId
}

export class PartitionOpenings {
  readonly #width: number
  readonly #underway = new Map<PartitionId, Promise<void>>()
  #lastAlone: Promise<void> = Promise.resolve()

  constructor(width: number) {
    this.#width = width
  }

  /** Rejects when one cannot be opened even alone. */
  async open(partitions: readonly Partition[], open: (partition: Partition) => Promise<void>): Promise<void> {
    const postponed: Partition[] = []
    await eachOf(partitions, this.#width, async partition => {
      try {
        await this.#once(partition, open)
      } catch (error) {
        if (!isOutOfDescriptors(error)) throw error
        postponed.push(partition)
      }
    })
    const alone = this.#lastAlone.then(async () => {
      for (const partition of postponed) await this.#once(partition, open)
    })
    this.#lastAlone = alone.catch(() => undefined)
    await alone
  }

  #once(partition: Partition, open: (partition: Partition) => Promise<void>): Promise<void> {
    const { id } = partition
    const opening = this.#underway.get(id) ?? open(partition)
    this.#underway.set(id, opening)
    return opening.finally(() => this.#underway.delete(id))
  }
}
