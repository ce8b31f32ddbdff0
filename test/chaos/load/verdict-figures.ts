/** What a checked history gives for the table: the anomalies that the list forbids by name, and all others together. */
import type { Chaos } from '../chaos.ts'
import { type Measured, none } from '../item.ts'
import type { LoadVerdict } from './recorded-load.ts'

export const historyBars = {
  lost: none('acknowledged records lost'),
  duplicates: none('records written twice'),
  inconsistent: none('offsets with two records'),
  disorder: none('sends or polls out of order'),
  others: none('other anomalies'),
}

const groups: Record<string, keyof typeof historyBars> = {
  'lost-write': 'lost',
  unseen: 'lost',
  'visible-then-gone': 'lost',
  duplicate: 'duplicates',
  'inconsistent-offsets': 'inconsistent',
  'nonmonotonic-poll': 'disorder',
  'nonmonotonic-send': 'disorder',
  'int-nonmonotonic-poll': 'disorder',
  'int-nonmonotonic-send': 'disorder',
  'poll-skip': 'disorder',
  'int-poll-skip': 'disorder',
}

export function historyFigures(verdict: LoadVerdict, chaos: Chaos): Record<keyof typeof historyBars, Measured> {
  const sums = { lost: 0, duplicates: 0, inconsistent: 0, disorder: 0, others: 0 }
  for (const [name, count] of verdict.counts) sums[groups[name] ?? 'others'] += count
  for (const text of verdict.texts) chaos.say(text)
  const { acknowledged, read, commits, unknown } = verdict
  const detail = `of ${acknowledged} acknowledged, ${read} read by the group, ${commits} commits, ${unknown} sends unanswered`
  const names = [...verdict.counts].map(([name, count]) => `${name} × ${count}`).join(', ')
  return { ...sums, lost: { value: sums.lost, detail }, others: { value: sums.others, detail: names } }
}
