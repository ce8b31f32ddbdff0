import { isWithin, type TextRange } from './tables.ts'

const chunkLength = 512

/**
 * Strings in order, in chunks that are small enough to insert into: finding is two binary searches, adding moves at most a chunk.
 * Invariant: no chunk is empty, and chunks and what is in them ascend.
 */
export class SortedTexts {
  readonly #chunks: string[][] = []

  constructor(texts: Iterable<string> = []) {
    const sorted = [...texts].sort()
    for (let i = 0; i < sorted.length; i += chunkLength) this.#chunks.push(sorted.slice(i, i + chunkLength))
  }

  add(text: string): void {
    const chunks = this.#chunks
    if (chunks.length === 0) return void chunks.push([text])
    const at = Math.min(this.#chunkOf(text), chunks.length - 1)
    const chunk = chunks[at]!
    const i = lowerBound(chunk, text)
    if (chunk[i] === text) return
    if (i === chunk.length) chunk.push(text)
    else chunk.splice(i, 0, text)
    if (chunk.length >= 2 * chunkLength) chunks.splice(at + 1, 0, chunk.splice(chunkLength))
  }

  delete(text: string): void {
    const at = this.#chunkOf(text)
    const chunk = this.#chunks[at]
    if (!chunk) return
    const i = lowerBound(chunk, text)
    if (chunk[i] !== text) return
    chunk.splice(i, 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** Those that are there when their chunk is come to. */
  *range(range: TextRange): Generator<string> {
    let rest: TextRange | undefined = range
    while (rest) {
      const found: string[] = rest.reverse ? this.#last(rest) : this.#first(rest)
      yield* found
      const last: string | undefined = found.at(-1)
      if (last === undefined) return
      rest = rest.reverse ? { ...rest, to: undefined, before: last } : { ...rest, from: `${last}\0` }
    }
  }

  #first(range: TextRange): string[] {
    const at = range.from === undefined ? 0 : this.#chunkOf(range.from)
    return (this.#chunks[at] ?? []).filter(text => isWithin(text, range))
  }

  #last(range: TextRange): string[] {
    const bound = smaller(range.to, range.before)
    const last = this.#chunks.length - 1
    let at = bound === undefined ? last : Math.min(this.#chunkOf(bound), last)
    if (at > 0 && !isWithin(this.#chunks[at]![0]!, { to: range.to, before: range.before })) at--
    return (this.#chunks[at] ?? []).filter(text => isWithin(text, range)).reverse()
  }

  /** The first chunk whose last text is not before this one. */
  #chunkOf(text: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const chunk = this.#chunks[middle]!
      if (chunk[chunk.length - 1]! < text) low = middle + 1
      else high = middle
    }
    return low
  }
}

function lowerBound(texts: readonly string[], text: string): number {
  let low = 0
  let high = texts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (texts[middle]! < text) low = middle + 1
    else high = middle
  }
  return low
}

const smaller = (one: string | undefined, other: string | undefined): string | undefined =>
  one === undefined ? other : other === undefined || one < other ? one : other
