import { NameRegex } from './name-regex.ts'

const maxRegexes = 1000
const maxVerdicts = 50_000

/** Expressions that were compiled, and what they said of names: a new topic costs each expression one look. */
export class RegexCache {
  readonly #compiled = new Map<string, { regex: NameRegex; verdicts: Map<string, boolean> }>()

  /** Those that match, sorted. Throws a RegexError. */
  matching(text: string, names: Iterable<string>): string[] {
    const { regex, verdicts } = this.#get(text)
    const found: string[] = []
    for (const name of names) {
      let verdict = verdicts.get(name)
      if (verdict === undefined) {
        if (verdicts.size >= maxVerdicts) verdicts.clear()
        verdicts.set(name, (verdict = regex.matches(name)))
      }
      if (verdict) found.push(name)
    }
    return found.sort()
  }

  /** Throws a RegexError for what is no expression. */
  check(text: string): void {
    this.#get(text)
  }

  #get(text: string): { regex: NameRegex; verdicts: Map<string, boolean> } {
    const known = this.#compiled.get(text)
    if (known) return known
    const made = { regex: new NameRegex(text), verdicts: new Map<string, boolean>() }
    if (this.#compiled.size >= maxRegexes) this.#compiled.delete(this.#compiled.keys().next().value!)
    this.#compiled.set(text, made)
    return made
  }
}
