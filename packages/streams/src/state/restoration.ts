import { GatheredRecords } from './gathered-records.ts'
import { type Bytes, entriesIn } from './lmdb.ts'
import { MergedRuns } from './merged-runs.ts'
import { RunFile } from './run-file.ts'
import { SortedRun } from './sorted-run.ts'
import type { RestoredRecord } from './tables.ts'

export interface RestorationSizes {
  /** In memory, until it is a run of its own on disk. */
  readonly run: number
  /** So many of about one length become one. Each is a file, and 64 KiB of memory while they are merged. */
  readonly runs: number
  /** LMDB keeps the memory of the pages that a transaction changes. */
  readonly transaction: number
}

const usual: RestorationSizes = { run: 2 ** 20, runs: 64, transaction: 2 ** 20 }

let named = 0

export interface RestorationPlace {
  readonly folder: string
  /** What cannot be written is an error that says so. */
  attempt(write: () => void): void
  /** All that is written in it, or nothing. */
  transaction(write: () => void): void
}

/**
 * Fills a store that has nothing committed from its changelog. A B+ tree that is written in key order from its first page to its last
 * takes a fourth of the time that scattered keys take, and no page of it twice; so records are gathered, put in order a run at a time,
 * the runs kept in files without names, and merged into the database at the end.
 *
 *     changelog → 1 MiB in memory → runs in key order → merged → database, in transactions of 1 MiB
 *                                       64 of 1 MiB → one of 64 MiB, 64 of those → one of 4 GiB, …
 *
 * The store has no position until all of it is there: whatever happens before, it is emptied and restored anew.
 */
export class Restoration {
  readonly #database: Bytes
  readonly #place: RestorationPlace
  readonly #sizes: RestorationSizes
  #gathered: GatheredRecords | undefined
  /** By how often they were merged; in each the eldest first, and all of one are elder than those of the one before. */
  #levels: RunFile[][] = []
  /** What all keys of the runs begin with. */
  #common: Uint8Array | undefined
  #loading: Loading | undefined
  #failure: unknown

  constructor(database: Bytes, place: RestorationPlace, sizes = usual) {
    this.#database = database
    this.#place = place
    this.#sizes = sizes
  }

  /** Nothing waits to be written. What has failed waits for ever, until it is given up. */
  get isEmpty(): boolean {
    return !(this.#gathered || this.#levels.length > 0 || this.#loading || this.#failure !== undefined)
  }

  add(key: Uint8Array, record: RestoredRecord): void {
    this.#gathered ??= new GatheredRecords(this.#sizes.run)
    const gathered = this.#gathered
    if (gathered.add(key, record)) return
    this.#unlessFailed(() => this.#keep(gathered))
    gathered.add(key, record)
  }

  /** Writes about so many bytes, or everything. True: all is written. */
  load(most = Number.POSITIVE_INFINITY): boolean {
    this.#unlessFailed(() => {
      for (let left = most; left > 0 && !this.isEmpty; left -= this.#sizes.transaction) {
        this.#loading ??= this.#begin()
        if (!this.#loading.merged.current) this.#end()
        else this.#place.transaction(() => writeSome(this.#database, this.#loading!, this.#sizes.transaction))
      }
    })
    return this.isEmpty
  }

  giveUp(): void {
    for (const run of this.#runs) run.close()
    this.#levels = []
    this.#gathered = undefined
    this.#common = undefined
    this.#failure = undefined
    this.#end()
  }

  /** With what is there. What comes from now on is loaded after it. */
  #begin(): Loading {
    if (this.#gathered) this.#keep(this.#gathered)
    const runs = this.#runs
    const merged = this.#merged(runs)
    this.#levels = []
    this.#gathered = undefined
    this.#common = undefined
    return { merged, runs, isFirst: entriesIn(this.#database) === 0 }
  }

  #end(): void {
    for (const run of this.#loading?.runs ?? []) run.close()
    this.#loading = undefined
  }

  /** All of them, the eldest first. */
  get #runs(): RunFile[] {
    return this.#levels.toReversed().flat()
  }

  /** As a run in a file. */
  #keep(gathered: GatheredRecords): void {
    const { common } = gathered
    this.#common = commonPart(this.#common ?? common, common)
    this.#write(0, run => gathered.drain((bytes, from, to) => run.append(bytes, from, to)))
    for (const [level, runs] of this.#levels.entries()) if (runs.length >= this.#sizes.runs) this.#mergeLevel(level)
  }

  #mergeLevel(level: number): void {
    const parts = this.#levels[level]!
    this.#levels[level] = []
    try {
      this.#write(level + 1, run => {
        const merged = this.#merged(parts)
        for (let from = merged.current; from; from = merged.current) {
          run.append(from.bytes, from.at, from.at + from.recordLength)
          merged.next()
        }
      })
    } finally {
      for (const part of parts) part.close()
    }
  }

  #write(level: number, fill: (run: RunFile) => void): void {
    const run = new RunFile(`${this.#place.folder}/restoring-${++named}`)
    ;(this.#levels[level] ??= []).push(run)
    fill(run)
    run.end()
  }

  #merged(runs: readonly RunFile[]): MergedRuns {
    return new MergedRuns(runs.map(run => new SortedRun(run, this.#common?.length ?? 0)))
  }

  /** Half of it may be written: what has failed once fails until the store is emptied. */
  #unlessFailed(work: () => void): void {
    if (this.#failure !== undefined) throw this.#failure
    try {
      this.#place.attempt(work)
    } catch (error) {
      this.#failure = error
      throw error
    }
  }
}

interface Loading {
  readonly merged: MergedRuns
  /** Closed when it is done. */
  readonly runs: readonly RunFile[]
  /** The database was empty: each record goes behind the last. */
  readonly isFirst: boolean
}

/** A transaction's part. */
function writeSome(database: Bytes, { merged, isFirst }: Loading, most: number): void {
  let left = most
  for (let run = merged.current; run && left > 0; run = merged.current) {
    left -= run.recordLength
    if (run.entryLength === 0) isFirst || database.removeSync(run.key)
    else if (isFirst) database.putSync(run.key, run.entry, behindTheLast)
    else database.putSync(run.key, run.entry)
    merged.next()
  }
}

/** Of the last key: LMDB fills pages to the end, and looks for no place. */
const behindTheLast = { append: true }

function commonPart(one: Uint8Array, other: Uint8Array): Uint8Array {
  let same = 0
  while (same < one.length && same < other.length && one[same] === other[same]) same++
  return one.subarray(0, same)
}
