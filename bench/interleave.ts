/**
 * Medians of repetitions that take turns: a noisy second of the machine hits everybody, and nobody always goes first.
 *
 *     round 0:  a b c      round 1:  b c a      round 2:  c a b
 */
export async function interleavedMedians(
  contestants: Readonly<Record<string, () => Promise<number>>>,
  { rounds = 3, warmUps = 1 }: { rounds?: number; warmUps?: number } = {},
): Promise<Record<string, number>> {
  const names = Object.keys(contestants)
  const figures = new Map<string, number[]>(names.map(name => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    const first = Math.max(0, round) % names.length
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const figure = await contestants[name]!()
      if (round >= 0) figures.get(name)!.push(figure)
    }
  }
  return Object.fromEntries(names.map(name => [name, median(figures.get(name)!)]))
}

export function median(figures: readonly number[]): number {
  return percentile(figures, 0.5)
}

/** Nearest rank. */
export function percentile(figures: readonly number[], fraction: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * fraction) - 1))] ?? Number.NaN
}
