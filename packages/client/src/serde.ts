/**
 * How keys and values become bytes. Synchronous, so that no record costs a promise; a serde that must wait (a schema registry)
 * declares `async: true` and may return promises. Numbers are written as Java's serializers write them: big-endian, fixed size.
 */
import { UsageError } from '@odradek/protocol'
import { shown } from './options.ts'

export interface SerdeContext {
  readonly topic: string
  readonly part: 'key' | 'value'
}

export interface Serde<T> {
  readonly async?: false
  /** For messages: 'string', 'json', … */
  readonly name: string
  serialize(value: T, context: SerdeContext): Uint8Array
  deserialize(bytes: Uint8Array, context: SerdeContext): T
}

export interface AsyncSerde<T> {
  readonly async: true
  readonly name: string
  serialize(value: T, context: SerdeContext): Uint8Array | Promise<Uint8Array>
  deserialize(bytes: Uint8Array, context: SerdeContext): T | Promise<T>
}

export type AnySerde<T> = Serde<T> | AsyncSerde<T>

const decoder = new TextDecoder()
/** A byte order mark is a character like any other: what was written is read. */
const verbatim = new TextDecoder('utf-8', { ignoreBOM: true })

const bytes: Serde<Uint8Array> = {
  name: 'bytes',
  serialize: (value, context) =>
    value instanceof Uint8Array ? value : strange(context, 'bytes', 'a Uint8Array', value),
  deserialize: value => value,
}

const string: Serde<string> = {
  name: 'string',
  serialize: (value, context) =>
    typeof value === 'string' ? Buffer.from(value) : strange(context, 'string', 'a string', value),
  deserialize: textOf,
}

function json<T>(): Serde<T> {
  return {
    name: 'json',
    serialize(value, context) {
      const text = textFor(value, context)
      if (text === undefined) throw unfit(context, 'json', 'it has no JSON form; to delete a key, send the value null')
      return Buffer.from(text)
    },
    deserialize(value, context) {
      try {
        return JSON.parse(decoder.decode(value))
      } catch (error) {
        throw unfit(context, 'json', `${(error as Error).message}; bytes: ${hexOf(value)}`, error)
      }
    },
  }
}

const int32: Serde<number> = {
  name: 'int32',
  serialize(value, context) {
    if (value !== (value | 0)) throw unfit(context, 'int32', `${shown(value)} is not a 32-bit integer`)
    const out = Buffer.allocUnsafe(4)
    out.writeInt32BE(value)
    return out
  },
  deserialize(value, context) {
    mustHaveSize(value, 4, 'int32', context)
    return int32At(value, 0)
  },
}

/** Whole numbers within ±2^53, as Java's LongSerializer writes them. For the rest of the range use `bytes`. */
const int64: Serde<number> = {
  name: 'int64',
  serialize(value, context) {
    if (!Number.isSafeInteger(value))
      throw unfit(context, 'int64', `${shown(value)} is not a whole number within ±2^53`)
    const out = Buffer.allocUnsafe(8)
    out.writeInt32BE(Math.floor(value / 2 ** 32), 0)
    out.writeUInt32BE(value >>> 0, 4)
    return out
  },
  deserialize(value, context) {
    mustHaveSize(value, 8, 'int64', context)
    const number = int32At(value, 0) * 2 ** 32 + (int32At(value, 4) >>> 0)
    if (!Number.isSafeInteger(number)) throw unfit(context, 'int64', `${hexOf(value)} is beyond ±2^53`)
    return number
  },
}

const double: Serde<number> = {
  name: 'double',
  serialize(value, context) {
    if (typeof value !== 'number') strange(context, 'double', 'a number', value)
    const out = Buffer.allocUnsafe(8)
    out.writeDoubleBE(value)
    return out
  },
  deserialize(value, context) {
    mustHaveSize(value, 8, 'double', context)
    return new DataView(value.buffer, value.byteOffset, 8).getFloat64(0)
  },
}

/** The part of Standard Schema (zod, valibot, arktype, …) that is used here. */
export interface StandardSchema<Input, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** JSON that is checked against a schema when it is written and when it is read. The schema must validate synchronously. */
function schema<Input, Output>(standard: StandardSchema<Input, Output>): Serde<Output> {
  const plain = json<unknown>()
  const check = (value: unknown, context: SerdeContext): Output => {
    const result = standard['~standard'].validate(value)
    if (result instanceof Promise)
      throw unfit(context, 'schema', 'the schema validates asynchronously, which a serde cannot wait for')
    if (result.issues) throw unfit(context, 'schema', result.issues.map(describeIssue).join('; '))
    return result.value
  }
  return {
    name: 'schema',
    serialize: (value, context) => plain.serialize(check(value, context), context),
    deserialize: (value, context) => check(plain.deserialize(value, context), context),
  }
}

export const serde: {
  readonly bytes: Serde<Uint8Array>
  readonly string: Serde<string>
  readonly int32: Serde<number>
  readonly int64: Serde<number>
  readonly double: Serde<number>
  readonly json: <T>() => Serde<T>
  readonly schema: <Input, Output>(standard: StandardSchema<Input, Output>) => Serde<Output>
} = { bytes, string, int32, int64, double, json, schema }

function describeIssue({ message, path }: SchemaIssue): string {
  const where = path?.map(step => String(typeof step === 'object' ? step.key : step)).join('.')
  return where ? `${where}: ${message}` : message
}

function mustHaveSize(value: Uint8Array, size: number, name: string, context: SerdeContext): void {
  if (value.length !== size)
    throw unfit(context, name, `it takes ${size} bytes, but ${value.length} came: ${hexOf(value)}`)
}

/** Keys and words are short and mostly ASCII: by hand that takes half the decoder's time. */
function textOf(bytes: Uint8Array): string {
  if (bytes.length > 24) return verbatim.decode(bytes)
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte > 127) return verbatim.decode(bytes)
    text += String.fromCharCode(byte)
  }
  return text
}

/** Big-endian. By hand: a DataView for each record costs several times the reading. */
const int32At = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

function unfit({ topic, part }: SerdeContext, name: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`a ${part} of topic '${topic}' does not fit its ${name} serde: ${why}`, { cause })
}

/** Callers without types come here. */
function strange(context: SerdeContext, name: string, wanted: string, value: unknown): never {
  const hint = value === undefined && context.part === 'value' ? '; to delete a key, send the value null' : ''
  throw unfit(context, name, `it takes ${wanted}, but ${typeof value} came: ${shown(value)}${hint}`)
}

function textFor(value: unknown, context: SerdeContext): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw unfit(context, 'json', (error as Error).message, error) // a bigint, a circle
  }
}

function hexOf(value: Uint8Array): string {
  const shown = Buffer.from(value.subarray(0, 24)).toString('hex')
  return value.length > 24 ? `${shown}… (${value.length} bytes)` : shown || '(none)'
}
