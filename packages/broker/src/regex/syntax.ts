/**
 * The syntax of RE2 (https://github.com/google/re2/wiki/Syntax), as far as names of topics can meet it, read into a tree:
 *
 *     alternation   a|b             repetition  a* a+ a? a{2} a{2,} a{2,5}, each also with ? behind it
 *     groups        (a) (?:a) (?P<name>a) (?i:a) (?i)
 *     characters    . [a-z] [^a-z] [[:alpha:]] \d \w \s \D \W \S \. \x41 \Q...\E
 *     places        ^ $ \A \z \b \B
 *
 * What RE2 does not know (references back, looking around) is an error here, too. Matching is of the whole name, so it makes no
 * difference whether a repetition is greedy, nor what a group is called.
 */
import { RegexError } from './regex-error.ts'

/** The `cost` of a char is how many tests it may take. */
export type Node =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'char'; readonly test: CharTest; readonly cost: number }
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'any'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number }

export type CharTest = (code: number) => boolean
export type Place = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord'

const maxRepeat = 1000
const maxDepth = 250

export const isWordChar: CharTest = code => code === 95 || isDigit(code) || isLetter(code)
const isDigit: CharTest = code => code >= 48 && code <= 57
const isLetter: CharTest = code => isUpper(code) || isLower(code)
const isUpper: CharTest = code => code >= 65 && code <= 90
const isLower: CharTest = code => code >= 97 && code <= 122
const isSpace: CharTest = code => code === 9 || code === 10 || code === 12 || code === 13 || code === 32
const not =
  (test: CharTest): CharTest =>
  code =>
    !test(code)
const oneOf =
  (...tests: readonly CharTest[]): CharTest =>
  code =>
    tests.some(test => test(code))
const between =
  (low: number, high: number): CharTest =>
  code =>
    code >= low && code <= high

const classes: Readonly<Record<string, CharTest>> = {
  d: isDigit,
  w: isWordChar,
  s: isSpace,
  D: not(isDigit),
  W: not(isWordChar),
  S: not(isSpace),
}

const posixClasses: Readonly<Record<string, CharTest>> = {
  alnum: oneOf(isDigit, isLetter),
  alpha: isLetter,
  ascii: between(0, 127),
  blank: code => code === 9 || code === 32,
  cntrl: oneOf(between(0, 31), between(127, 127)),
  digit: isDigit,
  graph: between(33, 126),
  lower: isLower,
  print: between(32, 126),
  punct: oneOf(between(33, 47), between(58, 64), between(91, 96), between(123, 126)),
  space: oneOf(between(9, 13), between(32, 32)),
  upper: isUpper,
  word: isWordChar,
  xdigit: oneOf(isDigit, between(65, 70), between(97, 102)),
}

const escapedChars: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }
const places: Readonly<Record<string, Place>> = { A: 'start', z: 'end', b: 'word', B: 'notWord' }

interface Flags {
  readonly ignoreCase: boolean
  readonly multiLine: boolean
  readonly dotAll: boolean
}

/** Throws a RegexError that says what is wrong where. */
export function parseRegex(text: string): Node {
  return new Parser(text).parse()
}

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0
  #flags: Flags = { ignoreCase: false, multiLine: false, dotAll: false }

  constructor(text: string) {
    this.#text = text
  }

  parse(): Node {
    const node = this.#alternation()
    if (this.#at < this.#text.length) this.#fail('an unexpected )')
    return node
  }

  #alternation(): Node {
    if (++this.#depth > maxDepth) this.#fail('too many groups within groups')
    const flags = this.#flags
    const parts = [this.#sequence()]
    while (this.#took('|')) parts.push(this.#sequence())
    this.#flags = flags
    this.#depth--
    return parts.length === 1 ? parts[0]! : { kind: 'any', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    while (this.#at < this.#text.length && !this.#sees('|') && !this.#sees(')')) {
      if (this.#took('\\Q')) parts.push(...this.#quoted())
      else parts.push(this.#repeated(this.#atom()))
    }
    return { kind: 'all', parts }
  }

  #quoted(): Node[] {
    const end = this.#text.indexOf('\\E', this.#at)
    const literal = this.#text.slice(this.#at, end < 0 ? undefined : end)
    this.#at = end < 0 ? this.#text.length : end + 2
    return Array.from(literal, char => this.#literal(char.codePointAt(0)!))
  }

  #repeated(atom: Node): Node {
    const count = this.#count()
    if (count === null) return atom
    this.#took('?')
    if (this.#count() !== null) this.#fail('a repetition of a repetition')
    return { kind: 'repeat', of: atom, min: count[0], max: count[1] }
  }

  #count(): [min: number, max: number] | null {
    if (this.#took('*')) return [0, Infinity]
    if (this.#took('+')) return [1, Infinity]
    if (this.#took('?')) return [0, 1]
    const found = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#text.slice(this.#at, this.#at + 12))
    if (!found) return null
    const min = Number(found[1])
    const max = found[2] === undefined ? min : found[3] === '' ? Infinity : Number(found[3])
    if (min > maxRepeat || (max !== Infinity && max > maxRepeat) || max < min) this.#fail('an invalid repetition')
    this.#at += found[0].length
    return [min, max]
  }

  #atom(): Node {
    const char = this.#next()
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '.':
        return { kind: 'char', test: this.#flags.dotAll ? () => true : code => code !== 10, cost: 1 }
      case '^':
        return { kind: 'place', place: this.#flags.multiLine ? 'lineStart' : 'start' }
      case '$':
        return { kind: 'place', place: this.#flags.multiLine ? 'lineEnd' : 'end' }
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        return this.#fail(`nothing before ${char} to repeat`)
      default:
        return this.#literal(char.codePointAt(0)!)
    }
  }

  #group(): Node {
    if (this.#took('?')) {
      const flags = /^([a-zA-Z-]*)([:)])/.exec(this.#text.slice(this.#at, this.#at + 12))
      const name = /^P?<[A-Za-z0-9_]+>/.exec(this.#text.slice(this.#at))
      if (flags) {
        this.#at += flags[0].length
        const before = this.#flags
        this.#flags = this.#withFlags(flags[1]!)
        if (flags[2] === ')') return { kind: 'nothing' }
        const node = this.#closed()
        this.#flags = before
        return node
      }
      if (!name) this.#fail('a group of a kind that is not supported')
      this.#at += name[0].length
    }
    return this.#closed()
  }

  #closed(): Node {
    const node = this.#alternation()
    if (!this.#took(')')) this.#fail('a missing )')
    return node
  }

  #withFlags(letters: string): Flags {
    const names: Record<string, keyof Flags | null> = { i: 'ignoreCase', m: 'multiLine', s: 'dotAll', U: null }
    let flags = this.#flags
    let value = true
    for (const letter of letters) {
      if (letter === '-') value = false
      else if (!(letter in names)) this.#fail(`an unknown flag ${letter}`)
      else if (names[letter]) flags = { ...flags, [names[letter]]: value }
    }
    return flags
  }

  #escape(): Node {
    const char = this.#next('an escape without a character')
    if (classes[char]) return { kind: 'char', test: classes[char], cost: 1 }
    if (places[char]) return { kind: 'place', place: places[char] }
    return this.#literal(this.#escaped(char))
  }

  /** The character an escape stands for. */
  #escaped(char: string): number {
    if (char === 'x') return this.#hex()
    if (escapedChars[char] !== undefined) return escapedChars[char]
    if (/[A-Za-z0-9]/.test(char)) this.#fail(`\\${char}, which is not supported`)
    return char.codePointAt(0)!
  }

  #hex(): number {
    const found = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#text.slice(this.#at, this.#at + 8))
    if (!found) return this.#fail('an invalid \\x')
    this.#at += found[0].length
    return Number.parseInt(found[1] ?? found[2]!, 16)
  }

  #class(): Node {
    const isNegated = this.#took('^')
    const tests: CharTest[] = []
    // A ] in the first place is a character like others.
    for (let isFirst = true; isFirst || !this.#sees(']'); isFirst = false) tests.push(this.#classItem())
    this.#at++
    const test = oneOf(...tests)
    return { kind: 'char', test: isNegated ? not(test) : test, cost: tests.length }
  }

  #classItem(): CharTest {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 12))
    if (posix) {
      const test = posixClasses[posix[2]!]
      if (!test) this.#fail(`an unknown class ${posix[0]}`)
      this.#at += posix[0].length
      return posix[1] ? not(test) : test
    }
    const low = this.#classChar()
    if (typeof low === 'function') return low
    if (!this.#sees('-') || this.#text[this.#at + 1] === ']') return this.#cased(between(low, low))
    this.#at++
    const high = this.#classChar()
    if (typeof high === 'function' || high < low) this.#fail('an invalid range')
    return this.#cased(between(low, high))
  }

  #classChar(): number | CharTest {
    const char = this.#next('a missing ]')
    if (char !== '\\') return char.codePointAt(0)!
    const escaped = this.#next('a missing ]')
    return classes[escaped] ?? this.#escaped(escaped)
  }

  #literal(code: number): Node {
    return { kind: 'char', test: this.#cased(between(code, code)), cost: 1 }
  }

  #cased(test: CharTest): CharTest {
    if (!this.#flags.ignoreCase) return test
    return code => test(code) || (isLetter(code) && test(code ^ 32))
  }

  #next(missing = 'an end too soon'): string {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined) return this.#fail(missing)
    const char = String.fromCodePoint(code)
    this.#at += char.length
    return char
  }

  #sees(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }

  #took(text: string): boolean {
    if (!this.#sees(text)) return false
    this.#at += text.length
    return true
  }

  #fail(what: string): never {
    throw new RegexError(`${what} at ${this.#at}`)
  }
}
