/** The words of a line, lower case: runs of letters and digits of any script. The stream and the check against the text both use it. */
export function words(line: string): string[] {
  return line.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}

/** Counts made directly from the text, to hold the stream's against. */
export function countWords(lines: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of lines) for (const word of words(line)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** The `n` most frequent words, ties in alphabetical order. */
export function topWords(counts: ReadonlyMap<string, number>, n: number): [string, number][] {
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, n)
}

export function totalOf(counts: ReadonlyMap<string, number>): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}

/** Words whose counts differ, with both; empty when the two agree. */
export function differences(
  expected: ReadonlyMap<string, number>,
  actual: ReadonlyMap<string, number>,
): { word: string; expected: number; actual: number }[] {
  const found: { word: string; expected: number; actual: number }[] = []
  for (const word of new Set([...expected.keys(), ...actual.keys()])) {
    const pair = { word, expected: expected.get(word) ?? 0, actual: actual.get(word) ?? 0 }
    if (pair.expected !== pair.actual) found.push(pair)
  }
  return found
}
