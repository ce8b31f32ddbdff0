/**
 * The batches appended last, kept in memory: consumers at the end of a log are answered from the very bytes that were written.
 *
 *     partition 3   [b40][b41][b42]        a Tail: consecutive batches up to the end of the log
 *     partition 9   [b7][b8]
 *     all           b40⇄b7⇄b41⇄b8⇄b42      oldest first; the oldest goes when all together are too big
 *
 * A tail never has a hole: only its oldest batch is dropped. All are in a list of links: whoever asks a Set for its first member waits
 * until it has passed the places of all those that are gone, thousands for each append.
 */
export class TailCache {
  readonly limit: number
  readonly limitEach: number
  #bytes = 0
  #oldest: TailBatch | undefined
  #newest: TailBatch | undefined

  constructor(options: { limit: number; limitEach: number }) {
    this.limit = options.limit
    this.limitEach = options.limitEach
  }

  get bytes(): number {
    return this.#bytes
  }

  added(batch: TailBatch): void {
    batch.older = this.#newest
    if (this.#newest) this.#newest.newer = batch
    else this.#oldest = batch
    this.#newest = batch
    this.#bytes += batch.cost
    while (this.#bytes > this.limit && this.#oldest) this.#oldest.tail.dropOldest()
  }

  dropped(batch: TailBatch): void {
    const { older, newer } = batch
    if (older) older.newer = newer
    else this.#oldest = newer
    if (newer) newer.older = older
    else this.#newest = older
    // One that was dropped long ago must not keep the garbage collector from a younger one.
    batch.older = batch.newer = undefined
    this.#bytes -= batch.cost
  }
}

interface TailBatch {
  readonly tail: Tail
  readonly baseOffset: number
  readonly nextOffset: number
  readonly bytes: Uint8Array
  /** Memory that it holds. */
  readonly cost: number
  /** Its neighbours among the batches of all tails. */
  older: TailBatch | undefined
  newer: TailBatch | undefined
}

/** Objects around the bytes. */
const overhead = 320

export class Tail {
  readonly #cache: TailCache
  #batches: TailBatch[] = []
  #first = 0
  #bytes = 0

  constructor(cache: TailCache) {
    this.#cache = cache
  }

  /** The batch follows the last one added. */
  add(bytes: Uint8Array, baseOffset: number, nextOffset: number): void {
    const kept = ownBytes(bytes)
    const batch: TailBatch = {
      tail: this,
      baseOffset,
      nextOffset,
      bytes: kept,
      cost: kept.buffer.byteLength + overhead,
      older: undefined,
      newer: undefined,
    }
    this.#batches.push(batch)
    this.#bytes += batch.cost
    this.#cache.added(batch)
    while (this.#bytes > this.#cache.limitEach) this.dropOldest()
  }

  dropOldest(): void {
    const oldest = this.#batches[this.#first]!
    this.#batches[this.#first++] = undefined as never
    this.#bytes -= oldest.cost
    this.#cache.dropped(oldest)
    if (this.#first >= 64 && this.#first * 2 >= this.#batches.length) {
      this.#batches.splice(0, this.#first)
      this.#first = 0
    }
  }

  /** Batches that begin before the offset. */
  dropBefore(offset: number): void {
    while (this.#first < this.#batches.length && this.#batches[this.#first]!.baseOffset < offset) this.dropOldest()
  }

  clear(): void {
    while (this.#first < this.#batches.length) this.dropOldest()
  }

  /** Whole batches from the one with `offset` on, none at or past `end`; undefined when that one is not here. */
  read(offset: number, end: number, maxBytes: number, minOne: boolean): Uint8Array[] | undefined {
    const batches = this.#batches
    let i = this.#find(offset)
    if (i < 0) return undefined
    const chunks: Uint8Array[] = []
    let left = maxBytes
    for (; i < batches.length; i++) {
      const batch = batches[i]!
      if (batch.nextOffset > end) break
      if (batch.bytes.length > left && !(minOne && chunks.length === 0)) break
      chunks.push(batch.bytes)
      left -= batch.bytes.length
    }
    return chunks
  }

  /** Index of the batch that holds the offset; -1 when it is before the first or after the last. */
  #find(offset: number): number {
    const batches = this.#batches
    if (this.#first === batches.length || offset < batches[this.#first]!.baseOffset) return -1
    let low = this.#first
    let high = batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (batches[middle]!.nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return low === batches.length ? -1 : low
  }
}

/** A view of a much larger buffer would keep all of that in memory; then a copy is cheaper. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length * 4 >= bytes.buffer.byteLength * 3 ? bytes : new Uint8Array(bytes)
}
