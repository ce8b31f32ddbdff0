/**
 * What the compacted partitions must say: the last value of each key, of what was committed. The one operation that nobody answered when
 * the process ended may have happened or not; what is found decides.
 */
import type { Operation } from './keyed-operation.ts'
import { dropping, keeping } from './keyed-topics.ts'

export interface Found {
  readonly offset: number
  readonly key: string
  readonly value: string | null
}

type Table = ReadonlyMap<string, string | null>

export class KeyedModel {
  readonly #tables = new Map<number, Table>([keeping, dropping].map(partition => [partition, new Map()]))
  /** By partition and offset: what was acknowledged there. */
  readonly #acknowledged = new Map<string, string | null>()
  /** Begun, and not answered. */
  #open: Operation | undefined
  #isAbortOpen = false
  nextId = 0

  begun(operation: Operation): void {
    this.#open = operation
    this.nextId = operation.id + 1
  }

  done(offsets: readonly number[]): void {
    const { partition, batches } = this.#open!
    for (const [n, records] of batches.entries())
      for (const [i, [, value]] of records.entries()) this.#acknowledged.set(`${partition}@${offsets[n]! + i}`, value)
    this.#settle(true)
  }

  aborted(): void {
    this.#isAbortOpen = false
  }

  /** The transaction that the next life has to abort. */
  get openTransaction(): { id: number; partition: number } | undefined {
    return this.#isAbortOpen && this.#leftOpen ? this.#leftOpen : undefined
  }

  #leftOpen: { id: number; partition: number } | undefined

  /** Compares what is read of both partitions; returns what is wrong, and settles what was open. */
  check(found: ReadonlyMap<number, readonly Found[]>): string[] {
    const wrong = [...found].flatMap(([partition, records]) => this.#wrongRecords(partition, records))
    const isRight = (partition: number, table: Table) =>
      difference(partition, table, found.get(partition)!) === undefined
    const open = this.#open
    for (const [partition, table] of this.#tables) {
      if (isRight(partition, table)) continue
      if (open?.partition === partition && isRight(partition, after(table, open))) this.#settle(true)
      else wrong.push(`partition ${partition}: ${difference(partition, table, found.get(partition)!)}`)
    }
    if (this.#open) this.#settle(false)
    return wrong
  }

  #settle(hasHappened: boolean): void {
    const { id, partition, end } = this.#open!
    if (hasHappened && end !== 'abort') this.#tables.set(partition, after(this.#tables.get(partition)!, this.#open!))
    // Its marker may be missing; an abort marker too many does no harm after it.
    this.#isAbortOpen = !hasHappened && end !== undefined
    this.#leftOpen = { id, partition }
    this.#open = undefined
  }

  #wrongRecords(partition: number, records: readonly Found[]): string[] {
    const wrong: string[] = []
    let last = -1
    for (const { offset, value } of records) {
      if (offset <= last) wrong.push(`partition ${partition}: offset ${offset} after ${last}`)
      last = offset
      const known = this.#acknowledged.get(`${partition}@${offset}`)
      if (known !== undefined && known !== value)
        wrong.push(`partition ${partition}: ${value} at ${offset}, where ${known} was`)
    }
    return wrong
  }
}

function after(table: Table, { batches }: Operation): Table {
  const changed = new Map(table)
  for (const [key, value] of batches.flat()) changed.set(key, value)
  return changed
}

/** Undefined: there is none. Where tombstones are kept, a deleted key has to say so. */
function difference(partition: number, table: Table, found: readonly Found[]): string | undefined {
  const last = new Map(found.map(({ key, value }) => [key, value]))
  for (const key of new Set([...table.keys(), ...last.keys()])) {
    const [wanted, is] = [table.get(key), last.get(key)]
    if (wanted === is || (partition === dropping && (wanted ?? null) === (is ?? null))) continue
    return `${key} is ${is?.slice(0, 20)}, not ${wanted?.slice(0, 20)}`
  }
  return undefined
}
