/**
 * A regular expression that names topics. It matches a whole name: all ways through its program (program.ts) are followed at once, in time
 * proportional to the name. (JavaScript's own RegExp tries one way after the other: `(a+)+b` takes it for ever.)
 *
 * Where all these ways stand is a state; where a character leads from it is worked out once, which costs up to the whole program, and then
 * known. How many states are kept is limited, and what is done is counted, so that whoever asks can stop and let others on.
 */

import { compile, type Program } from './program.ts'
import type { Place } from './syntax.ts'
import { isWordChar } from './syntax.ts'
import { Work } from './work.ts'

/** What stands before or after a place: nothing, the end of a line, a letter, a digit or `_`, anything else. */
type Neighbour = 'edge' | 'newline' | 'word' | 'other'

interface State {
  /** Where the ways are, before those steps are taken that take no character. */
  readonly steps: readonly number[]
  readonly before: Neighbour
  readonly nexts: Map<number, State>
  isMatch: boolean | undefined
}

/** Steps and ways of all states that are kept: some hundred kilobytes. */
const maxKept = 10_000

export class NameRegex {
  readonly #program: Program
  #states = new Map<string, State>()
  #kept = 0
  readonly #start: State
  /** Of each step the last round that reached it. */
  readonly #seen: number[]
  #round = 0

  /** Throws a RegexError. */
  constructor(text: string) {
    this.#program = compile(text)
    this.#seen = new Array(this.#program.steps.length).fill(0)
    this.#start = { steps: [this.#program.start], before: 'edge', nexts: new Map(), isMatch: undefined }
  }

  /** Undefined when there was not enough work left to tell. */
  matches(name: string, work = new Work(Infinity)): boolean | undefined {
    let state = this.#start
    for (let at = 0; at < name.length; at++) {
      if (work.left <= 0) return undefined
      work.left--
      const code = name.charCodeAt(at)
      state = state.nexts.get(code) ?? this.#next(state, code, work)
      if (state.steps.length === 0) return false
    }
    state.isMatch ??= this.#reach(state, 'edge', work).includes(0)
    return state.isMatch
  }

  #next(state: State, code: number, work: Work): State {
    const steps: number[] = []
    const reached = this.#reach(state, neighbour(code), work)
    const round = ++this.#round
    for (const place of reached) {
      const step = this.#program.steps[place]!
      if (step.op !== 'char') continue
      work.left -= step.cost
      if (this.#seen[step.next] === round || !step.test(code)) continue
      this.#seen[step.next] = round
      steps.push(step.next)
    }
    const next = this.#state(steps, this.#program.hasPlaces ? neighbour(code) : 'other')
    state.nexts.set(code, next)
    return next
  }

  #state(steps: readonly number[], before: Neighbour): State {
    const key = `${before} ${steps.join()}`
    this.#kept++
    const known = this.#states.get(key)
    if (known) return known
    this.#kept += steps.length
    if (this.#kept > maxKept) this.#forget(steps.length + 1)
    const made: State = { steps, before, nexts: new Map(), isMatch: undefined }
    this.#states.set(key, made)
    return made
  }

  #forget(kept: number): void {
    this.#states = new Map()
    this.#start.nexts.clear()
    this.#kept = kept
  }

  /** The steps that can be reached without a further character, each once. */
  #reach({ steps: from, before }: State, after: Neighbour, work: Work): number[] {
    const reached: number[] = []
    const round = ++this.#round
    const reach = (place: number) => {
      work.left--
      if (this.#seen[place] === round) return
      this.#seen[place] = round
      reached.push(place)
    }
    for (const place of from) reach(place)
    // Grows while it is gone through.
    for (const place of reached) {
      const step = this.#program.steps[place]!
      if (step.op === 'split') for (const next of step.nexts) reach(next)
      else if (step.op === 'place' && isAt(step.place, before, after)) reach(step.next)
    }
    return reached
  }
}

function neighbour(code: number): Neighbour {
  return code === 10 ? 'newline' : isWordChar(code) ? 'word' : 'other'
}

function isAt(place: Place, before: Neighbour, after: Neighbour): boolean {
  switch (place) {
    case 'start':
      return before === 'edge'
    case 'end':
      return after === 'edge'
    case 'lineStart':
      return before === 'edge' || before === 'newline'
    case 'lineEnd':
      return after === 'edge' || after === 'newline'
    case 'word':
      return (before === 'word') !== (after === 'word')
    case 'notWord':
      return (before === 'word') === (after === 'word')
  }
}
