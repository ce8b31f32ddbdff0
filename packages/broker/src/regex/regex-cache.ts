import { NameRegex } from './name-regex.ts'
import { RegexError } from './regex-error.ts'
import { maxTurns, Work, workOfTurn } from './work.ts'

const maxRegexes = 1000
const maxVerdicts = 1_000_000

/** The names there are; another version, other names. */
export interface Names {
  readonly version: number
  names(): Iterable<string>
}

interface Entry {
  readonly regex: NameRegex
  readonly verdicts: Map<string, boolean>
  /** Those of a version's names that match. */
  found: { readonly version: number; readonly names: readonly string[] } | undefined
}

/** Expressions that were compiled, and what they said of names: a new topic costs each expression one look. */
export class RegexCache {
  readonly #entries = new Map<string, Entry>()
  #verdicts = 0

  /** Those that match, sorted; undefined when the work did not suffice, and is to be gone on with in another turn. Throws a RegexError. */
  matching(text: string, names: Names, work: Work): readonly string[] | undefined {
    const entry = this.#get(text)
    this.#look(entry, names, work)
    return entry.found?.version === names.version ? entry.found.names : undefined
  }

  /** Throws a RegexError for what is no expression, and for what would take too many turns with the names there are. */
  check(text: string, names: Names): void {
    const { looked, left } = this.#look(this.#get(text), names, new Work(workOfTurn))
    if (looked * maxTurns < left) throw new RegexError(`too many ways through it to match ${looked + left} topics`)
  }

  /** How many names it looked at, and how many are left. */
  #look(entry: Entry, topics: Names, work: Work): { looked: number; left: number } {
    const { version } = topics
    if (entry.found?.version === version) return { looked: 0, left: 0 }
    const found: string[] = []
    let looked = 0
    let left = 0
    for (const name of topics.names()) {
      let verdict = entry.verdicts.get(name)
      if (verdict === undefined && work.left > 0) {
        verdict = entry.regex.matches(name, work)
        if (verdict !== undefined) {
          looked++
          this.#remember(entry, name, verdict)
        }
      }
      if (verdict === undefined) left++
      else if (verdict) found.push(name)
    }
    if (left === 0) entry.found = { version, names: found.sort() }
    return { looked, left }
  }

  #remember(entry: Entry, name: string, verdict: boolean): void {
    if (this.#verdicts >= maxVerdicts) {
      for (const other of this.#entries.values()) other.verdicts.clear()
      this.#verdicts = 0
    }
    entry.verdicts.set(name, verdict)
    this.#verdicts++
  }

  #forget(text: string): void {
    this.#verdicts -= this.#entries.get(text)!.verdicts.size
    this.#entries.delete(text)
  }

  #get(text: string): Entry {
    const known = this.#entries.get(text)
    if (known) return known
    const made: Entry = { regex: new NameRegex(text), verdicts: new Map(), found: undefined }
    if (this.#entries.size >= maxRegexes) this.#forget(this.#entries.keys().next().value!)
    this.#entries.set(text, made)
    return made
  }
}
