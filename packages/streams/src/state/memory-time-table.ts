import {
  bytesOf,
  type FoundRow,
  isWithin,
  type Row,
  type StoreKey,
  segmentOf,
  type TextRange,
  type TimeTable,
  textOf,
} from './tables.ts'

/** A row with its bytes as text, as in `MemoryKeyTable`. */
interface StoredRow {
  readonly time: number
  readonly minor: number
  readonly text: string | null
  readonly timestamp: number
}

/**
 * Rows in memory: of each key in order of time. Which keys have rows in a segment of time is kept beside, so that old rows go and all
 * rows of a time are found without looking at every key. Without a segment length nothing expires.
 */
export class MemoryTimeTable implements TimeTable {
  readonly #rows = new Map<string, StoredRow[]>()
  readonly #segments = new Map<number, Set<string>>()
  readonly #segmentMs: number
  #expired = Number.NEGATIVE_INFINITY
  counter = 0
  latest = -1

  constructor(segmentMs = Number.POSITIVE_INFINITY) {
    this.#segmentMs = segmentMs
  }

  get(key: StoreKey, time: number, minor: number): Row | undefined {
    const rows = this.#rows.get(key.text)
    if (!rows) return undefined
    const row = rows[indexOf(rows, time, minor)]
    return row && row.time === time && row.minor === minor ? read(row) : undefined
  }

  /** Answers whether there was no such row. */
  set({ text }: StoreKey, { time, minor, value, timestamp }: Row): boolean {
    const row = { time, minor, text: value === null ? null : textOf(value), timestamp }
    const rows = this.#rows.get(text)
    if (!rows) this.#rows.set(text, [row])
    else {
      const i = indexOf(rows, time, minor)
      const there = rows[i]
      if (there?.time === time && there.minor === minor) {
        rows[i] = row
        return false
      }
      if (!there) rows.push(row)
      else rows.splice(i, 0, row)
    }
    const segment = segmentOf(time, this.#segmentMs)
    const keys = this.#segments.get(segment)
    if (keys) keys.add(text)
    else this.#segments.set(segment, new Set([text]))
    return true
  }

  delete({ text }: StoreKey, time: number, minor: number): void {
    const rows = this.#rows.get(text)
    if (!rows) return
    const i = indexOf(rows, time, minor)
    const there = rows[i]
    if (there?.time !== time || there.minor !== minor) return
    rows.splice(i, 1)
    if (rows.length === 0) this.#rows.delete(text)
  }

  rows({ text }: StoreKey, from: number, to: number): readonly Row[] {
    const rows = this.#rows.get(text)
    if (!rows) return none
    const first = indexOf(rows, from, 0)
    let end = first
    while (end < rows.length && rows[end]!.time <= to) end++
    if (end === first) return none
    const found: Row[] = []
    for (let i = first; i < end; i++) found.push(read(rows[i]!))
    return found
  }

  between(from: number, to: number, keys: TextRange = {}): FoundRow[] {
    const found: FoundRow[] = []
    const texts = new Set<string>()
    for (const [segment, its] of this.#segments)
      if (segment >= segmentOf(from, this.#segmentMs) && segment <= segmentOf(to, this.#segmentMs))
        for (const text of its) if (isWithin(text, keys)) texts.add(text)
    for (const text of texts)
      for (const row of this.#rows.get(text) ?? [])
        if (row.time >= from && row.time <= to) found.push({ ...read(row), text })
    return found
  }

  expire(before: number): void {
    const segment = segmentOf(before, this.#segmentMs)
    if (segment <= this.#expired) return
    this.#expired = segment
    for (const [id, texts] of this.#segments) {
      if (id >= segment) continue
      this.#segments.delete(id)
      for (const text of texts) this.#drop(text, before)
    }
  }

  #drop(text: string, before: number): void {
    const rows = this.#rows.get(text)
    if (!rows) return
    rows.splice(0, indexOf(rows, before, 0))
    if (rows.length === 0) this.#rows.delete(text)
  }

  close(): void {
    this.#rows.clear()
    this.#segments.clear()
  }
}

const none: readonly Row[] = []

const read = ({ time, minor, text, timestamp }: StoredRow): Row => ({
  time,
  minor,
  value: text === null ? null : bytesOf(text),
  timestamp,
})

/** Where the first row stands that is not before this time and minor. Mostly that is the end, or the last. */
function indexOf(rows: readonly StoredRow[], time: number, minor: number): number {
  let low = 0
  let high = rows.length
  if (high > 0 && isBefore(rows[high - 1]!, time, minor)) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(rows[middle]!, time, minor)) low = middle + 1
    else high = middle
  }
  return low
}

const isBefore = (row: StoredRow, time: number, minor: number): boolean =>
  row.time < time || (row.time === time && row.minor < minor)
