/** What is said by name must be a name that is known: a misspelt setting would else be one that nobody gave. */
import { UsageError } from '@odradek/client'

export function mustBeOneOf(what: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string))
    throw new UsageError(`${what} is ${quoted(value)}; write ${allowed.map(quoted).join(' or ')}`)
}

/** Throws for a property that is not in the table. */
export function mustBeKnown(what: string, given: object, table: Readonly<Record<string, true>>): void {
  const known = Object.keys(table)
  const unknown = Object.keys(given).find(name => !known.includes(name))
  if (unknown === undefined) return
  const begin = unknown.slice(0, 5).toLowerCase()
  const near = known.filter(name => name.toLowerCase().startsWith(begin))
  throw new UsageError(
    `There is no ${what} \`${unknown}\`. There is ${(near.length > 0 ? near : known).map(name => `\`${name}\``).join(', ')}.`,
  )
}

const quoted = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value))
