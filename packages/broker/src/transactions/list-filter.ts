import { NameRegex } from '../regex/name-regex.ts'
import { RegexError } from '../regex/regex-error.ts'
import type { Work } from '../regex/work.ts'
import type { Transaction } from './transaction.ts'

/** Empty, negative or undefined: everything. */
export interface ListFilter {
  readonly states: ReadonlySet<string>
  readonly producerIds: ReadonlySet<bigint>
  readonly durationMs: number
  readonly pattern: NameRegex | undefined
  /** What the pattern may cost, over all transactions. */
  readonly work: Work
}

/** Throws a RegexError when the work does not suffice. */
export function isListed(transaction: Transaction, filter: ListFilter, now: number): boolean {
  const { states, producerIds, durationMs, pattern } = filter
  if (producerIds.size > 0 && !producerIds.has(transaction.producerId)) return false
  if (states.size > 0 && !states.has(transaction.state)) return false
  // As in Kafka, one that never began is older than any.
  if (durationMs >= 0 && now - transaction.startedAt <= durationMs) return false
  if (pattern === undefined) return true
  const isMatch = pattern.matches(transaction.id, filter.work)
  if (isMatch === undefined) throw new RegexError('too many ways through it to match all these transactional ids')
  return isMatch
}

/** A pattern that an id must match as a whole. */
export function wholeMatch(pattern: string | null): NameRegex | 'invalid' | undefined {
  if (pattern === null || pattern === '') return undefined
  try {
    return new NameRegex(pattern)
  } catch (error) {
    if (error instanceof RegexError) return 'invalid'
    throw error
  }
}
