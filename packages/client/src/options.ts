/** Checks of what applications pass as options: names that exist, values that can be right. Each message says what to write. */
import { UsageError } from '@odradek/protocol'

/** `known` has every option there is; a table, so that the compiler tells when one is forgotten. */
export function checkNames(what: string, options: object, known: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    const names = Object.keys(known)
    const alike = names.find(other => other.toLowerCase() === name.toLowerCase())
    const hint = alike ? `write ${alike}` : `there are ${names.sort().join(', ')}`
    throw new UsageError(`a ${what} has no option '${name}': ${hint}`)
  }
}

export function positive(name: string, value: number): number {
  if (!(typeof value === 'number' && value > 0))
    throw new UsageError(`${name} is ${shown(value)}; write a number above 0`)
  return value
}

export function notNegative(name: string, value: number): number {
  if (!(typeof value === 'number' && value >= 0)) throw new UsageError(`${name} is ${shown(value)}; write 0 or more`)
  return value
}

export function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value === 'string' && allowed.includes(value)) return
  throw new UsageError(`${name} is ${shown(value)}; write ${allowed.map(word => `'${word}'`).join(' or ')}`)
}

/** A value as it would be written, for messages. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'object' && value !== null) {
    try {
      return JSON.stringify(value)
    } catch {
      return 'an object'
    }
  }
  return String(value)
}
