/** Rows as text: one line each, their bar and whether they reach it at the end. */
import { verdictOf } from './bars.ts'
import type { Row } from './row.ts'

const marks = new Map<boolean | undefined, string>([
  [true, 'pass'],
  [false, 'FAIL'],
  [undefined, '?'],
])

export function formatTable(rows: readonly Row[]): string {
  const rivals = [...new Set(rows.flatMap(row => Object.keys(row.rivals)))]
  const header = ['figure', 'unit', 'odradek', ...rivals, 'bar', '']
  const lines = rows.map(row => {
    const verdict = verdictOf(row)
    const theirs = rivals.map(name => formatRival(row, row.rivals[name]))
    const bar = verdict ? [verdict.text, marks.get(verdict.holds)!] : ['', '']
    return [row.name, row.unit, row.ours === undefined ? '–' : formatFigure(row.ours), ...theirs, ...bar]
  })
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map(line => line[i]!.length)))
  const isText = (i: number) => i < 2 || i >= header.length - 2
  const format = (line: string[]) =>
    line
      .map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd()
  const reasons = [...new Set(rows.flatMap(row => row.missing ?? []))].map(reason => `– ${reason}`)
  return [format(header), widths.map(width => '─'.repeat(width)).join('  '), ...lines.map(format), ...reasons].join(
    '\n',
  )
}

export function formatFigure(value: number): string {
  if (value >= 10_000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** How often ours is as good as theirs, beside theirs. */
function formatRival(row: Row, theirs: number | undefined): string {
  if (theirs === undefined) return ''
  if (row.ours === undefined) return formatFigure(theirs)
  const ratio = row.lessIsBetter ? theirs / row.ours : row.ours / theirs
  return `${formatFigure(theirs)} (${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)}×)`
}
