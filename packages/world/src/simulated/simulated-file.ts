/**
 * What a file holds, and what of it would survive a crash.
 *
 *     durable ──▶ [ synced │ pending │ forsaken │ … ] ──▶ current
 *                 └──── changes, in the order made ────┘
 *
 * - `current` is what the running system reads: everything, in order.
 * - A `synced` change survives any crash. It joins `durable` once all before it have.
 * - A `pending` change may survive whole, in sectors, as zeroes, or not at all, each for itself: disks reorder.
 * - A `forsaken` change was part of a sync that failed. The system has marked its pages clean, so no later sync writes them.
 */
import { Pages } from '../memory/pages.ts'
import type { SeededRandom } from './random.ts'

/** What a disk writes at once, or not. */
const sectorBytes = 512

type Effect = { position: number; bytes: Uint8Array } | { size: number }
type Change = Effect & { state: 'pending' | 'synced' | 'forsaken' }

/**
 * What becomes of changes that were not synced: decided by the seed, or all lost. `kept` is what kill -9 does: the program is gone, the
 * system goes on, what was written can be read, and is lost in the next power cut unless it is synced by then.
 */
export type Fate = 'seeded' | 'kept' | 'lost'

export class SimulatedFile {
  #durable = new Pages()
  #current = new Pages()
  #changes: Change[] = []

  get current(): Pages {
    return this.#current
  }

  get hasUnsynced(): boolean {
    return this.#changes.length > 0
  }

  /** Keeps a copy: `slice` of a Buffer would be none. */
  write(position: number, bytes: Uint8Array): void {
    this.#current.write(position, bytes)
    this.#changes.push({ position, bytes: new Uint8Array(bytes), state: 'pending' })
  }

  truncate(size: number): void {
    this.#current.truncate(size)
    this.#changes.push({ size, state: 'pending' })
  }

  /** Starts a sync of what is pending now. The caller says how it ended. */
  beginSync(): { succeed(): void; fail(): void } {
    const covered = this.#changes.filter(change => change.state === 'pending')
    const settle = (state: 'synced' | 'forsaken') => {
      for (const change of covered) if (change.state === 'pending') change.state = state
      this.#compact()
    }
    return { succeed: () => settle('synced'), fail: () => settle('forsaken') }
  }

  /** What is on the disk after the machine has stopped becomes what is in the file. */
  crash(random: SeededRandom, fate: Exclude<Fate, 'kept'>): void {
    for (const change of this.#changes) {
      if (change.state === 'synced') apply(this.#durable, change)
      else if (fate === 'seeded') survive(this.#durable, change, random)
    }
    this.#changes = []
    this.#current = this.#durable.copy()
  }

  /** A bit turns over where it is durable, and so where it is read. */
  rot(position: number, bit: number): void {
    for (const pages of [this.#durable, this.#current]) {
      const [byte] = pages.read(position, 1)
      if (byte !== undefined) pages.write(position, Uint8Array.of(byte ^ (1 << bit)))
    }
  }

  #compact(): void {
    const firstOpen = this.#changes.findIndex(change => change.state !== 'synced')
    const settled = this.#changes.splice(0, firstOpen === -1 ? this.#changes.length : firstOpen)
    for (const change of settled) apply(this.#durable, change)
  }
}

function apply(pages: Pages, effect: Effect): void {
  if ('size' in effect) pages.truncate(effect.size)
  else pages.write(effect.position, effect.bytes)
}

function survive(pages: Pages, effect: Effect, random: SeededRandom): void {
  const fate = random.int(4)
  const end = 'size' in effect ? 0 : effect.position + effect.bytes.length
  if (fate === 0) apply(pages, effect)
  else if (fate === 1 && 'bytes' in effect) tear(pages, effect, random)
  // The length reached the disk, the bytes did not.
  else if (fate === 2 && end > pages.size) pages.truncate(end)
}

/** Keeps the sectors up to some point, or any of them. */
function tear(pages: Pages, { position, bytes }: { position: number; bytes: Uint8Array }, random: SeededRandom): void {
  const end = position + bytes.length
  const isPrefix = random.chance(0.5)
  const lastKept = position + random.int(bytes.length + 1)
  for (let at = position; at < end; ) {
    const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes)
    if (isPrefix ? next <= lastKept : random.chance(0.5))
      pages.write(at, bytes.subarray(at - position, next - position))
    at = next
  }
}
