/**
 * A regular expression that names topics. It matches a whole name, in time proportional to its length: all ways through the expression
 * are followed at once, so that no expression of a client can hold the broker up. (JavaScript's own RegExp tries one way after the
 * other: `(a+)+b` takes it for ever.)
 *
 * The tree (syntax.ts) becomes a program; where it stands is a set of steps, of which each character leads to another set:
 *
 *     char   takes one character that passes its test      split   goes on at two steps at once
 *     place  goes on where the place is right              match   the end
 */

import { RegexError } from './regex-error.ts'
import { type CharTest, isWordChar, type Node, type Place, parseRegex } from './syntax.ts'

type Step =
  | { readonly op: 'char'; readonly test: CharTest; readonly next: number }
  | { readonly op: 'place'; readonly place: Place; readonly next: number }
  | { readonly op: 'split'; readonly nexts: readonly number[] }
  | { readonly op: 'match' }

/** Repetitions are written out, so a short expression can make a long program. */
const maxSteps = 20_000
const maxLength = 10_000

export class NameRegex {
  readonly #steps: Step[] = [{ op: 'match' }]
  readonly #start: number
  /** Of each step the last round that reached it. */
  readonly #seen: number[]
  #round = 0

  /** Throws a RegexError. */
  constructor(text: string) {
    if (text.length > maxLength) throw new RegexError(`${text.length} characters, more than ${maxLength}`)
    this.#start = this.#compile(parseRegex(text), 0)
    this.#seen = new Array(this.#steps.length).fill(0)
  }

  matches(name: string): boolean {
    let places = this.#reach([this.#start], name, 0)
    for (let at = 0; at < name.length && places.length > 0; at++) {
      const code = name.charCodeAt(at)
      const next: number[] = []
      for (const place of places) {
        const step = this.#steps[place]!
        if (step.op === 'char' && step.test(code)) next.push(step.next)
      }
      places = this.#reach(next, name, at + 1)
    }
    return places.includes(0)
  }

  /** The steps that can be reached without a further character, each once. */
  #reach(from: readonly number[], name: string, at: number): number[] {
    const reached: number[] = []
    const seen = this.#seen
    const round = ++this.#round
    const reach = (place: number) => {
      if (seen[place] === round) return
      seen[place] = round
      reached.push(place)
    }
    for (const place of from) reach(place)
    // Grows while it is gone through.
    for (const place of reached) {
      const step = this.#steps[place]!
      if (step.op === 'split') for (const next of step.nexts) reach(next)
      else if (step.op === 'place' && isAt(step.place, name, at)) reach(step.next)
    }
    return reached
  }

  /** Adds the steps for a node that is followed by the step `next`; the number of its first. */
  #compile(node: Node, next: number): number {
    switch (node.kind) {
      case 'nothing':
        return next
      case 'char':
        return this.#add({ op: 'char', test: node.test, next })
      case 'place':
        return this.#add({ op: 'place', place: node.place, next })
      case 'all':
        return node.parts.reduceRight((after, part) => this.#compile(part, after), next)
      case 'any':
        return this.#add({ op: 'split', nexts: node.parts.map(part => this.#compile(part, next)) })
      case 'repeat':
        return this.#repeat(node, next)
    }
  }

  #repeat({ of, min, max }: Node & { kind: 'repeat' }, next: number): number {
    let first = next
    if (max === Infinity) {
      const nexts = [next]
      first = this.#add({ op: 'split', nexts })
      nexts.push(this.#compile(of, first))
    } else for (let i = min; i < max; i++) first = this.#add({ op: 'split', nexts: [next, this.#compile(of, first)] })
    for (let i = 0; i < min; i++) first = this.#compile(of, first)
    return first
  }

  #add(step: Step): number {
    if (this.#steps.length >= maxSteps) throw new RegexError('repetitions that make it too large')
    return this.#steps.push(step) - 1
  }
}

function isAt(place: Place, name: string, at: number): boolean {
  const isWordAt = (i: number) => i >= 0 && i < name.length && isWordChar(name.charCodeAt(i))
  switch (place) {
    case 'start':
      return at === 0
    case 'end':
      return at === name.length
    case 'lineStart':
      return at === 0 || name[at - 1] === '\n'
    case 'lineEnd':
      return at === name.length || name[at] === '\n'
    case 'word':
      return isWordAt(at - 1) !== isWordAt(at)
    case 'notWord':
      return isWordAt(at - 1) === isWordAt(at)
  }
}
