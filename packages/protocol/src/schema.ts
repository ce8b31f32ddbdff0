/**
 * The vocabulary in which messages are written down: a message is an object of named fields, in the order of the wire.
 *
 * A table says what each version of a message looks like; `compile.ts` turns it into code, and TypeScript infers from it the type
 * of the value: `Decoded` is what a decoder returns (every field present, those a version lacks at their `absent` value),
 * `Encodable` is what an encoder takes (fields that have an `absent` value may be left out).
 */

export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'bigint64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

/** `T` is the type a decoder returns, `I` the type an encoder accepts. */
export interface Type<T, I = T> {
  readonly kind: Kind
  /** First version in which null is allowed. */
  readonly nullableFrom?: number
  readonly element?: Type<any, any>
  readonly fields?: Fields
  readonly _decoded?: T
  readonly _encoded?: I
}

/** A type with the versions in which it is on the wire, and the value that stands for its absence. */
export interface Field<T, I = T> {
  readonly type: Type<T, I>
  readonly from: number
  readonly to: number
  readonly absent: T
  readonly tag?: number
}

export interface Fields {
  readonly [name: string]: Type<any, any> | Field<any, any>
}

export type Decoded<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends Field<infer T, any> ? T : F[K] extends Type<infer T, any> ? T : never
}

type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<any, any> ? K : never }[keyof F]
type InputOf<X> = X extends Field<any, infer I> ? I : X extends Type<any, infer I> ? I : never
type Flat<T> = { [K in keyof T]: T[K] }

export type Encodable<F extends Fields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: InputOf<F[K]> } & {
    readonly [K in OptionalKeys<F>]?: InputOf<F[K]> | undefined
  }
>

export const bool: Type<boolean> = { kind: 'bool' }
export const int8: Type<number> = { kind: 'int8' }
export const int16: Type<number> = { kind: 'int16' }
export const uint16: Type<number> = { kind: 'uint16' }
export const int32: Type<number> = { kind: 'int32' }
export const uint32: Type<number> = { kind: 'uint32' }
/** A 64-bit integer within ±2^53: offsets, timestamps, sizes. What lies beyond does not decode. */
export const int64: Type<number> = { kind: 'int64' }
/** A 64-bit integer that may use all its bits: producer ids and hashes. */
export const bigint64: Type<bigint> = { kind: 'bigint64' }
export const float64: Type<number> = { kind: 'float64' }
/** 36 characters, lower case, with hyphens. */
export const uuid: Type<string> = { kind: 'uuid' }
export const string: Type<string> = { kind: 'string' }
/** Decodes to a view of the frame, not a copy. */
export const bytes: Type<Uint8Array> = { kind: 'bytes' }
/** Record batches, opaque here. May be encoded from a list of slices; decodes to a view of the frame. */
export const records: Type<Uint8Array, Uint8Array | readonly Uint8Array[]> = { kind: 'records' }

/** The topic id that means "none". */
export const noId: string = '00000000-0000-0000-0000-000000000000'

/** May be null, from version `from` on. */
export function nullable<T, I>(type: Type<T, I>, from = 0): Type<T | null, I | null> {
  return { ...type, nullableFrom: from } as Type<T | null, I | null>
}

export function struct<F extends Fields>(fields: F): Type<Decoded<F>, Encodable<F>> {
  return { kind: 'struct', fields }
}

export function array<T, I>(element: Type<T, I>): Type<T[], readonly I[]>
export function array<F extends Fields>(fields: F): Type<Decoded<F>[], readonly Encodable<F>[]>
export function array(of: Type<any, any> | Fields): Type<any, any> {
  const element = typeof of.kind === 'string' ? (of as Type<any, any>) : struct(of as Fields)
  return { kind: 'array', element }
}

/** On the wire in versions `from` to `to`; otherwise its value is `absent`. */
export function between<T, I>(from: number, to: number, type: Type<T, I>, absent: NoInfer<T>): Field<T, I> {
  return { type, from, to, absent }
}

export function since<T, I>(from: number, type: Type<T, I>, absent: NoInfer<T>): Field<T, I> {
  return between(from, Infinity, type, absent)
}

export function until<T, I>(to: number, type: Type<T, I>, absent: NoInfer<T>): Field<T, I> {
  return between(0, to, type, absent)
}

/** On the wire in every version, but a sender that has nothing to say may leave it out. */
export function preset<T, I>(type: Type<T, I>, absent: NoInfer<T>): Field<T, I> {
  return between(0, Infinity, type, absent)
}

/** Travels among the tagged fields of a flexible version, and only when it differs from `absent` (KIP-482). */
export function tagged<T, I>(tag: number, field: Field<T, I>): Field<T, I> {
  return { ...field, tag }
}
