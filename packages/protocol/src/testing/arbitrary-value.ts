import fc from 'fast-check'
import type { Field, Fields, Type } from '../schema.ts'

/**
 * Random values for a table at a version, as a decoder would return them: fields that are not on the wire have their absent value.
 */
export function arbitraryValue(fields: Fields, version: number): fc.Arbitrary<any> {
  const members: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [name, of] of Object.entries(fields)) {
    if (!('type' in of)) {
      members[name] = arbitraryOf(of as Type<any>, version)
      continue
    }
    const { type, from, to, absent, tag } = of as Field<any>
    if (version < from || version > to) members[name] = fc.constant(absent)
    else if (tag === undefined) members[name] = arbitraryOf(type, version)
    else members[name] = fc.oneof(fc.constant(absent), arbitraryOf(type, version))
  }
  return fc.record(members, { noNullPrototype: true })
}

function arbitraryOf(type: Type<any, any>, version: number): fc.Arbitrary<unknown> {
  const value = type.kind === 'array' ? arbitraryArray(type, version) : scalar(type, version)
  return version >= (type.nullableFrom ?? Infinity) ? fc.option(value, { nil: null, freq: 4 }) : value
}

const arbitraryArray = (type: Type<any, any>, version: number): fc.Arbitrary<unknown[]> =>
  fc.array(arbitraryOf(type.element!, version), { maxLength: type.element!.kind === 'struct' ? 2 : 4 })

const text = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'x'.repeat(126), 'é'.repeat(64), '語'.repeat(43), 'y'.repeat(16_383)) },
)

const bytes = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 128, 4095, 4096, 20_000).map(length => new Uint8Array(length).fill(7)) },
)

function scalar(type: Type<any, any>, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.oneof(fc.integer(), fc.constantFrom(-0x8000_0000, -1, 0, 0x7fff_ffff))
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 'int64':
      return fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, 0xffff_ffff, 0x1_0000_0000, -0x1_0000_0000))
    case 'bigint64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double()
    case 'uuid':
      return fc.uuid()
    case 'string':
      return text
    case 'bytes':
    case 'records':
      return bytes
    default:
      return arbitraryValue(type.fields!, version)
  }
}
