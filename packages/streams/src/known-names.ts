/** What is said by name must be a name that is known: a misspelt setting would else be one that nobody gave. */
import { UsageError } from '@odradek/client'

export function mustBeOneOf(what: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string))
    throw new UsageError(`${what} is ${quoted(value)}; write ${allowed.map(quoted).join(' or ')}`)
}

/** Throws for a property that is not in the table: a table, so that the compiler tells when one is forgotten. */
export function mustBeKnown(what: string, given: object, table: Readonly<Record<string, true>>): void {
  const unknown = Object.keys(given).find(name => !Object.hasOwn(table, name))
  if (unknown === undefined) return
  const known = Object.keys(table)
  const near = known.toSorted((a, b) => likeness(b, unknown) - likeness(a, unknown))[0]!
  const hint = likeness(near, unknown) >= alike ? `; did you mean \`${near}\`?` : '.'
  throw new UsageError(
    `There is no ${what} \`${unknown}\`${hint} There are ${known.map(name => `\`${name}\``).join(', ')}.`,
  )
}

/** Between 0 and 1: the pairs of letters that two names share. */
function likeness(one: string, other: string): number {
  const [a, b] = [pairsOf(one), pairsOf(other)]
  return (2 * [...a].filter(pair => b.has(pair)).length) / (a.size + b.size)
}
const alike = 0.4

const pairsOf = (name: string): Set<string> =>
  new Set(Array.from(name.toLowerCase(), (letter, i) => letter + (name[i + 1] ?? '').toLowerCase()))

export const quoted = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value))
