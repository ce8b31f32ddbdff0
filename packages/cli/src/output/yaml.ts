import type { Cell, Row } from './rows.ts'

/** Rows as a YAML sequence. Strings are written as JSON strings where a bare one could be read as something else. */
export function renderYaml(rows: readonly Row[]): string {
  return rows.length === 0 ? '[]\n' : `${sequence(rows, '')}\n`
}

function sequence(items: readonly Cell[], indent: string): string {
  return items
    .map(item => `${indent}- ${isMap(item) ? mapping(item, `${indent}  `).trimStart() : inline(item, indent)}`)
    .join('\n')
}

function mapping(map: Readonly<Record<string, Cell>>, indent: string): string {
  return Object.entries(map)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      if (isMap(value) && Object.keys(value).length > 0)
        return `${indent}${text(name)}:\n${mapping(value, `${indent}  `)}`
      if (Array.isArray(value) && value.length > 0) return `${indent}${text(name)}:\n${sequence(value, `${indent}  `)}`
      return `${indent}${text(name)}: ${inline(value, indent)}`
    })
    .join('\n')
}

function inline(cell: Cell, indent: string): string {
  if (cell === null || cell === undefined) return 'null'
  if (Array.isArray(cell)) return cell.length === 0 ? '[]' : `\n${sequence(cell, `${indent}  `)}`
  if (isMap(cell)) return '{}'
  return typeof cell === 'string' ? text(cell) : String(cell)
}

const isMap = (cell: Cell): cell is Readonly<Record<string, Cell>> =>
  typeof cell === 'object' && cell !== null && !Array.isArray(cell)

const bare = /^[A-Za-z_/][\w./ -]*[\w./]$|^[A-Za-z_/]$/
const reserved = /^(true|false|null|yes|no|on|off|y|n|~)$/i
const text = (value: string): string => (bare.test(value) && !reserved.test(value) ? value : JSON.stringify(value))
