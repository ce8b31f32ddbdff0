import type { Cell, Row } from './rows.ts'

/** Columns as wide as their widest cell, numbers to the right, headings in capitals; stable where the output is not a terminal. */
export function renderTable(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))]
  if (names.length === 0) return ''
  const body = rows.map(row => names.map(name => cellText(row[name])))
  const widths = names.map((name, i) => Math.max(name.length, ...body.map(cells => cells[i]!.length)))
  const numeric = names.map(
    name => rows.length > 0 && rows.every(row => typeof row[name] === 'number' || row[name] == null),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return `${[names.map(name => name.toUpperCase()), ...body].map(line).join('\n')}\n`
}

export function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '-'
  if (Array.isArray(cell)) return cell.map(cellText).join(',')
  if (typeof cell === 'object') {
    return Object.entries(cell)
      .map(([name, value]) => `${name}=${cellText(value)}`)
      .join(' ')
  }
  return String(cell)
}
