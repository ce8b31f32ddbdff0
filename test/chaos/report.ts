/** Measurements held against their bars, and the table of them. */
import type { Bar, ChaosItem, Measured, Skipped } from './item.ts'

export interface Row {
  readonly id: string
  readonly what: string
  readonly figure: string
  readonly bar: string
  readonly verdict: 'pass' | 'FAIL' | 'skip'
  readonly detail: string
}

type Judged = Pick<ChaosItem, 'id' | 'what' | 'bars'>

export function judge({ id, bars }: Judged, measured: Readonly<Record<string, Measured>> | Skipped): Row[] {
  return Object.entries(bars).map(([name, bar]) => {
    const row = { id, what: bar.what, bar: shownBar(bar) }
    const figure = isSkipped(measured) ? measured : measured[name]
    if (figure === undefined) return { ...row, figure: '', verdict: 'FAIL', detail: 'it was not measured' }
    if (typeof figure === 'object' && 'skipped' in figure)
      return { ...row, figure: '', verdict: 'skip', detail: figure.skipped }
    const { value, detail } = typeof figure === 'number' ? { value: figure, detail: '' } : figure
    return { ...row, figure: shown(value, bar), verdict: reaches(value, bar) ? 'pass' : 'FAIL', detail }
  })
}

const isSkipped = (measured: object): measured is Skipped =>
  'skipped' in measured && typeof measured.skipped === 'string'

/** The row of an item that came to no figures. */
export const broken = ({ id, what }: Judged, why: string): Row => ({
  id,
  what,
  figure: '',
  bar: 'runs to its end',
  verdict: 'FAIL',
  detail: why,
})

function reaches(value: number, { is, figure }: Bar): boolean {
  if (is === '=') return value === figure
  return is === '≤' ? value <= figure : value >= figure
}

const shown = (value: number, { unit }: Bar) =>
  `${value.toLocaleString('en', { maximumFractionDigits: 2 })}${unit ? ` ${unit}` : ''}`

const shownBar = (bar: Bar) => (bar.is === '=' ? shown(bar.figure, bar) : `${bar.is} ${shown(bar.figure, bar)}`)

const columns = ['id', 'what', 'figure', 'bar', 'verdict'] as const

/** Rows of equal items stand together; what is to be known about one follows it. */
export function table(rows: readonly Row[]): string {
  const cells = [columns.map(String), ...rows.map(row => columns.map(column => row[column]))]
  const widths = columns.map((_, i) => Math.max(...cells.map(row => row[i]!.length)))
  const lines = cells.map((row, n) => {
    const line = row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')
    const detail = rows[n - 1]?.detail
    return (detail ? `${line}  ${detail}` : line).trimEnd()
  })
  return [lines[0], widths.map(width => '─'.repeat(width)).join('  '), ...lines.slice(1)].join('\n')
}
