import { UsageError } from '@odradek/protocol'
import { renderTable } from './table.ts'
import { renderYaml } from './yaml.ts'

/** A row of output: names in the order they are printed. */
export type Row = Readonly<Record<string, Cell>>
export type Cell = string | number | boolean | null | undefined | readonly Cell[] | { readonly [name: string]: Cell }

const formats = ['table', 'json', 'ndjson', 'yaml'] as const
export type OutputFormat = (typeof formats)[number]

export function outputFormat(asked: string | undefined): OutputFormat {
  if (asked === undefined) return 'table'
  if ((formats as readonly string[]).includes(asked)) return asked as OutputFormat
  throw new UsageError(`-o ${asked} is none of ${formats.join(', ')}.`)
}

/** The rows as text. All formats but `table` are for programs and keep their shape. */
export function renderRows(rows: readonly Row[], format: OutputFormat): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(rows, null, 2)}\n`
    case 'ndjson':
      return rows.map(row => `${JSON.stringify(row)}\n`).join('')
    case 'yaml':
      return renderYaml(rows)
    case 'table':
      return renderTable(rows)
  }
}

/** `columns` head a table that has no rows, so that a person sees that there are none. */
export function printRows(rows: readonly Row[], asked: string | undefined, columns: readonly string[] = []): void {
  const format = outputFormat(asked)
  const heading = format === 'table' && rows.length === 0 && columns.length > 0
  process.stdout.write(heading ? `${columns.map(name => name.toUpperCase()).join('  ')}\n` : renderRows(rows, format))
}
