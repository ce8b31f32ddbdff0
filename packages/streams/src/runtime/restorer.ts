import type { ConsumerEngine, TopicPartition } from '@odradek/client'
import { keyOf } from '@odradek/client'
import type { StateStore } from '../state/state-store.ts'

/** A store to be filled from its changelog. */
export interface Restoration {
  readonly taskId: string
  readonly store: StateStore
  readonly changelog: TopicPartition
}

interface Running extends Restoration {
  end: number
}

/**
 * Fills stores from their changelogs, a poll at a time, so that the thread keeps its place in the group meanwhile. A store is restored
 * when the *position* has reached the end that was read at the beginning, not when a record of that offset was seen: the last offsets
 * may be transaction markers, or compacted away (streams facts 2.33).
 */
export class Restorer {
  readonly #engine: ConsumerEngine
  readonly #running = new Map<string, Running>()

  /** The engine belongs to the restorer: no group, beginning at the earliest offset. */
  constructor(engine: ConsumerEngine) {
    this.#engine = engine
  }

  /** Starts to restore. */
  async add(restorations: readonly Restoration[], signal: AbortSignal): Promise<void> {
    const ends = await this.#engine.offsetsFor(
      restorations.map(({ changelog }) => changelog),
      'latest',
      { signal },
    )
    restorations.forEach((restoration, i) => {
      const end = ends[i] ?? 0
      if (end > 0) this.#running.set(keyOf(restoration.changelog), { ...restoration, end })
    })
    this.#follow()
  }

  /** Gives up what belongs to a task: it was taken away. */
  drop(taskId: string): void {
    for (const [key, running] of this.#running) if (running.taskId === taskId) this.#running.delete(key)
    this.#follow()
  }

  get isIdle(): boolean {
    return this.#running.size === 0
  }

  isRestoring(taskId: string): boolean {
    return [...this.#running.values()].some(running => running.taskId === taskId)
  }

  /** Takes what has arrived, waiting up to `maxMs` for it. */
  async step(maxMs: number, signal: AbortSignal): Promise<void> {
    for (const batch of await this.#engine.poll(maxMs, { maxRecords: 10_000, signal })) {
      const running = this.#running.get(keyOf(batch))
      if (!running) continue
      for (const { key, value, timestamp } of batch.records)
        if (key !== null) running.store.restore(key, value, timestamp)
    }
    const restored = [...this.#running].filter(
      ([, { changelog, end }]) => (this.#engine.position(changelog) ?? 0) >= end,
    )
    for (const [key] of restored) this.#running.delete(key)
    if (restored.length > 0) this.#follow()
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  #follow(): void {
    this.#engine.assign([...this.#running.values()].map(({ changelog }) => changelog))
  }
}
