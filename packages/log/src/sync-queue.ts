/**
 * Group commit: who has written asks for a sync; everything written to a file while its sync is under way shares the next one.
 *
 *     idle ──request──▶ waiting ──a place is free──▶ syncing ──done──▶ idle, or waiting again if it has written meanwhile
 *
 * At most one sync per file is in flight, and a few in all: they occupy threads that reads need too. Waiting files take their turns.
 */
export interface Syncable {
  /** Has written what no sync, done or under way, covers. */
  readonly needsSync: boolean
  /** Never rejects: a failure is the file's own business. */
  sync(): Promise<void>
}

export class SyncQueue {
  readonly #places: number
  readonly #waiting = new Set<Syncable>()
  readonly #syncing = new Set<Syncable>()

  constructor(places: number) {
    this.#places = places
  }

  request(target: Syncable): void {
    if (this.#syncing.has(target)) return
    this.#waiting.add(target)
    this.#fill()
  }

  #fill(): void {
    for (const target of this.#waiting) {
      if (this.#syncing.size >= this.#places) return
      this.#waiting.delete(target)
      this.#syncing.add(target)
      void target.sync().then(() => {
        this.#syncing.delete(target)
        if (target.needsSync) this.#waiting.add(target)
        this.#fill()
      })
    }
  }
}
