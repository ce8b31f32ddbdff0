/** Starts the log and its groups on what a crash has left, and holds them to everything that was promised before it. */

import type { LogEngine, ReadResult } from '@odradek/log'
import { DecodeError, ErrorCodes } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import { SimulatedClock } from '@odradek/world'
import { type FoundRecord, recordsOf } from '../../../packages/log/src/testing/batches.ts'
import type { JournalEntry } from './disk-journal.ts'
import { begin, groups, type Life, type Note, partitions } from './engine-history.ts'

export const findings = ['failedStarts', 'lost', 'phantoms', 'regressed', 'unfounded', 'starts'] as const
export type Finding = (typeof findings)[number]

/** What had been promised by some moment of a history, and all that was ever written. */
export class Promises {
  /** By partition, then offset. */
  readonly #written = new Map<number, Map<number, string>>()
  readonly #acknowledged = new Map<number, Map<number, string>>()
  readonly #trimmed = new Map<number, { most: number; least: number }>()
  readonly #committed = new Map<string, { begun: number; answered: number }>()
  readonly #notes: readonly JournalEntry<Note>[]
  #at = 0

  constructor(journal: readonly JournalEntry<Note>[]) {
    this.#notes = journal
    for (const entry of journal)
      if (entry.kind === 'note' && entry.note.kind === 'acknowledged') add(this.#written, entry.note)
  }

  /** The moment after so many entries. Only forward. */
  advance(to: number): void {
    for (; this.#at < to; this.#at++) {
      const entry = this.#notes[this.#at]!
      if (entry.kind === 'note') this.#take(entry.note)
    }
  }

  /** What is wrong with the disk after a crash at this moment; empty when nothing is. */
  async check(disk: Disk): Promise<{ finding: Finding; what: string }[]> {
    const clock = new SimulatedClock()
    const life = await clock.finish(begin(clock, disk, 2)).catch(error => error as Error)
    if (life instanceof Error) return [{ finding: 'failedStarts', what: String(life.stack) }]
    const checks = async () => [
      ...(await Promise.all(partitions.map(partition => this.#checkPartition(life, partition)))).flat(),
      ...(await Promise.all(groups.map(group => this.#checkGroup(life, group)))).flat(),
    ]
    const found = await clock.finish(checks())
    await clock.finish(life.engine.close({ drain: false }))
    return found
  }

  #take(note: Note): void {
    if (note.kind === 'acknowledged') add(this.#acknowledged, note)
    else if (note.kind === 'trimming' || note.kind === 'trimmed') {
      const bounds = this.#trimmed.get(note.partition) ?? { most: 0, least: 0 }
      this.#trimmed.set(note.partition, { ...bounds, [note.kind === 'trimming' ? 'most' : 'least']: note.before })
    } else {
      const bounds = this.#committed.get(note.group) ?? { begun: -1, answered: -1 }
      this.#committed.set(note.group, { ...bounds, [note.kind === 'committing' ? 'begun' : 'answered']: note.offset })
    }
  }

  async #checkPartition({ engine }: Life, partition: number): Promise<{ finding: Finding; what: string }[]> {
    const [state] = await engine.state([partition])
    const start = state?.logStartOffset ?? 0
    const where = `partition ${partition}`
    const promised = this.#acknowledged.get(partition) ?? new Map<number, string>()
    const found = await readAll(engine, partition, start)
    if (typeof found === 'number')
      return promised.size === 0 ? [] : [{ finding: 'lost', what: `${where} answers error ${found}` }]
    const trimmed = this.#trimmed.get(partition) ?? { most: 0, least: 0 }
    const wrong: { finding: Finding; what: string }[] = []
    if (start < trimmed.least || start > trimmed.most)
      wrong.push({
        finding: 'starts',
        what: `${where} begins at ${start}, was trimmed to ${trimmed.least} … ${trimmed.most}`,
      })
    for (const [offset, value] of promised)
      if (offset >= start && found.get(offset) !== value)
        wrong.push({
          finding: 'lost',
          what: `${where} has ${found.get(offset)?.slice(0, 20)} at ${offset}, not ${value.slice(0, 20)}`,
        })
    for (const [offset, value] of found)
      if (this.#written.get(partition)?.get(offset) !== value)
        wrong.push({
          finding: 'phantoms',
          what: `${where} has ${value.slice(0, 20)} at ${offset}, which nobody wrote there`,
        })
    return wrong
  }

  async #checkGroup({ store }: Life, group: string): Promise<{ finding: Finding; what: string }[]> {
    const offset = store.image(group).offsets.offsets(group).get('orders')?.get(0)?.offset ?? -1
    const { begun, answered } = this.#committed.get(group) ?? { begun: -1, answered: -1 }
    const what = `${group} is at ${offset}; answered ${answered}, begun ${begun}`
    if (offset < answered) return [{ finding: 'regressed', what }]
    return offset > begun ? [{ finding: 'unfounded', what }] : []
  }
}

/** Values by offset, or the error that reading gives. */
async function readAll(engine: LogEngine, partition: number, start: number): Promise<Map<number, string> | number> {
  const found = new Map<number, string>()
  for (let offset = start; ; ) {
    const request = { partition, offset, maxBytes: 1e9, isolation: 'uncommitted' } as const
    const [result] = await engine.read([request], { maxBytes: 1e9, minOne: true })
    if (!result!.ok) return result!.error
    const records = recordsIn(result, offset)
    if (typeof records === 'number') return records
    for (const record of records) found.set(record.offset, record.value)
    if (records.length === 0) return found
    offset = records.at(-1)!.offset + 1
  }
}

/** A batch that cannot be decoded is garbage, whoever finds it. */
function recordsIn(result: ReadResult | undefined, offset: number): FoundRecord[] | number {
  try {
    return recordsOf(result, offset)
  } catch (error) {
    if (error instanceof DecodeError) return ErrorCodes.CORRUPT_MESSAGE
    throw error
  }
}

function add(
  to: Map<number, Map<number, string>>,
  { partition, offset, value }: { partition: number; offset: number; value: string },
) {
  const values = to.get(partition) ?? new Map<number, string>()
  values.set(offset, value)
  to.set(partition, values)
}
