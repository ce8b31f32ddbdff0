/**
 * What an expression's tree (syntax.ts) becomes: steps, of which each character leads from one set to another.
 *
 *     char   takes one character that passes its test      split   goes on at several steps at once
 *     place  goes on where the place is right              match   the end, step 0
 *
 * Repetitions are written out, so a short expression can make a long program, or, when there is nothing in it, no steps at all after
 * endless work. So it is the work of writing that is limited, and with it the program: its steps, their ways on, and their tests.
 */

import { RegexError } from './regex-error.ts'
import { type CharTest, type Node, type Place, parseRegex } from './syntax.ts'

export type Step =
  | { readonly op: 'char'; readonly test: CharTest; readonly cost: number; readonly next: number }
  | { readonly op: 'place'; readonly place: Place; readonly next: number }
  | { readonly op: 'split'; readonly nexts: readonly number[] }
  | { readonly op: 'match' }

export interface Program {
  readonly steps: readonly Step[]
  readonly start: number
  readonly hasPlaces: boolean
}

export const maxProgram = 2000
const maxLength = 10_000
/** Of all repetitions around a place, one times the other, as in RE2. */
const maxRepeat = 1000

/** Throws a RegexError. */
export function compile(text: string): Program {
  if (text.length > maxLength) throw new RegexError(`${text.length} characters, more than ${maxLength}`)
  return new Compiler(parseRegex(text)).program
}

class Compiler {
  readonly program: Program
  readonly #steps: Step[] = [{ op: 'match' }]
  #work = 0
  #repeats = 1

  constructor(tree: Node) {
    const start = this.#compile(tree, 0)
    this.program = { steps: this.#steps, start, hasPlaces: this.#steps.some(({ op }) => op === 'place') }
  }

  /** Adds the steps for a node that is followed by the step `next`; the number of its first. */
  #compile(node: Node, next: number): number {
    this.#worked(node.kind === 'char' ? node.cost : 1)
    switch (node.kind) {
      case 'nothing':
        return next
      case 'char':
        return this.#add({ op: 'char', test: node.test, cost: node.cost, next })
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
    const around = this.#repeats
    this.#repeats *= Math.max(1, max === Infinity ? min : max)
    if (this.#repeats > maxRepeat) throw new RegexError(`repetitions that make more than ${maxRepeat} together`)
    let first = next
    if (max === Infinity) {
      const nexts = [next]
      first = this.#add({ op: 'split', nexts })
      nexts.push(this.#compile(of, first))
    } else for (let i = min; i < max; i++) first = this.#add({ op: 'split', nexts: [next, this.#compile(of, first)] })
    for (let i = 0; i < min; i++) first = this.#compile(of, first)
    this.#repeats = around
    return first
  }

  #add(step: Step): number {
    return this.#steps.push(step) - 1
  }

  #worked(cost: number): void {
    this.#work += cost
    if (this.#work > maxProgram)
      throw new RegexError(`more than ${maxProgram} steps when its repetitions are written out`)
  }
}
