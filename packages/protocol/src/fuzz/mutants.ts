import fc from 'fast-check'
import type { AnyApi } from '../api.ts'
import { apis } from '../apis.ts'
import type { Message } from '../message.ts'
import { Reader } from '../reader.ts'
import { arbitraryValue } from '../testing/arbitrary-value.ts'
import { Writer } from '../writer.ts'

/**
 * Damaged messages. A valid message, of a random API in a random version, is encoded; then it is flipped, cut, stretched or told lies
 * about its lengths, at the very places where its decoder reads lengths and counts. The same seed gives the same mutants.
 */
export interface Mutant {
  readonly message: Message<any>
  readonly version: number
  readonly bytes: Uint8Array
}

interface Specimen {
  readonly message: Message<any>
  readonly version: number
  readonly bytes: Uint8Array
  /** Where lengths, counts and tag sizes stand. */
  readonly lengthsAt: readonly number[]
}

export function* mutants(seed: number, count: number, specimensPerVersion = 3): Iterable<Mutant> {
  const specimens = makeSpecimens(seed, specimensPerVersion)
  const dice = makeDice(seed)
  for (let i = 0; i < count; i++) {
    const { message, version, bytes, lengthsAt } = specimens[dice(specimens.length)]!
    let mutated = bytes
    for (let rounds = 1 + dice(3); rounds > 0; rounds--) mutated = mutate(mutated, lengthsAt, dice)
    yield { message, version, bytes: mutated }
  }
}

type Dice = (sides: number) => number

/** A small generator of its own (mulberry32), so that a run can be repeated from its seed. */
function makeDice(seed: number): Dice {
  let state = seed >>> 0
  return sides => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }
}

function makeSpecimens(seed: number, perVersion: number): Specimen[] {
  const specimens: Specimen[] = []
  for (const api of apis as readonly AnyApi[]) {
    for (const message of [api.request, api.response] as Message<any>[]) {
      for (let version = message.versions[0]; version <= message.versions[1]; version++) {
        const values = fc.sample(arbitraryValue(message.fields, version), { seed: seed + version, numRuns: perVersion })
        for (const value of values) specimens.push(specimenOf(message, version, value))
      }
    }
  }
  return specimens
}

function specimenOf(message: Message<any>, version: number, value: any): Specimen {
  const writer = new Writer()
  message.write(writer, version, value)
  const bytes = Uint8Array.from(Buffer.concat(writer.finish()))
  const reader = new LengthFinder(bytes)
  message.read(reader, version)
  return { message, version, bytes, lengthsAt: reader.lengthsAt }
}

/** A reader that notes where everything of variable length begins. */
class LengthFinder extends Reader {
  readonly lengthsAt: number[] = []
}

for (const name of Object.getOwnPropertyNames(Reader.prototype)) {
  if (!/string|bytearray|count|sizedend/i.test(name)) continue
  const read = (Reader.prototype as any)[name]
  ;(LengthFinder.prototype as any)[name] = function (this: LengthFinder, ...args: unknown[]) {
    this.lengthsAt.push(this.at)
    return read.apply(this, args)
  }
}

/** What a liar writes: the largest and smallest of each width, varints that never end, and lengths just off. */
const lies = [
  '7fffffff',
  'ffffffff',
  '80000000',
  'fffffffe',
  '7fff',
  '8000',
  'fffe',
  'ffffffff0f',
  'ffffffffff7f',
  '80808080',
  '00',
  '01',
  '7f',
  'fe01',
].map(hex => Uint8Array.from(Buffer.from(hex, 'hex')))

function mutate(bytes: Uint8Array, lengthsAt: readonly number[], dice: Dice): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(dice(256), dice(256))
  const at = dice(bytes.length)
  switch (dice(7)) {
    case 0:
      return overwritten(bytes, at, Uint8Array.of(bytes[at]! ^ (1 << dice(8))))
    case 1:
      return bytes.subarray(0, at)
    case 2:
      return spliced(
        bytes,
        at,
        0,
        Uint8Array.from({ length: 1 + dice(8) }, () => dice(256)),
      )
    case 3:
      return spliced(bytes, at, 1 + dice(8), new Uint8Array(0))
    case 4:
      return overwritten(
        bytes,
        at,
        Uint8Array.from({ length: 1 + dice(4) }, () => dice(256)),
      )
    case 5:
      return overwritten(bytes, pick(lengthsAt, at, dice), lies[dice(lies.length)]!)
    default:
      return spliced(bytes, pick(lengthsAt, at, dice), 1 + dice(4), lies[dice(lies.length)]!)
  }
}

const pick = (from: readonly number[], otherwise: number, dice: Dice): number =>
  from.length === 0 ? otherwise : from[dice(from.length)]!

function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  if (at < copy.length) copy.set(by.subarray(0, copy.length - at), at)
  return copy
}

function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Uint8Array.from(
    Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(Math.min(at + remove, bytes.length))]),
  )
}
