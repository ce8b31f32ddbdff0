/**
 * A topic contract: a name and how its keys and values become bytes, written once; types flow from it everywhere.
 *
 * A bare string names a topic too: its keys and values are bytes when read, and bytes or strings when written.
 */
import { type AnySerde, serde } from './serde.ts'

export interface Topic<K = any, V = any, N extends string = string> {
  readonly name: N
  readonly key: AnySerde<K>
  readonly value: AnySerde<V>
  /** The same contract for another name: a dead-letter topic, a copy. */
  named<M extends string>(name: M): Topic<K, V, M>
}

export type TopicRef = Topic | string

export type KeyOf<T extends TopicRef> = T extends Topic<infer K, any> ? K : Uint8Array | string
export type ValueOf<T extends TopicRef> = T extends Topic<any, infer V> ? V : Uint8Array | string

export function topic<const N extends string, K = Uint8Array, V = Uint8Array>(
  name: N,
  serdes: { readonly key?: AnySerde<K>; readonly value?: AnySerde<V> } = {},
): Topic<K, V, N> {
  const key = serdes.key ?? (serde.bytes as unknown as AnySerde<K>)
  const value = serdes.value ?? (serde.bytes as unknown as AnySerde<V>)
  return { name, key, value, named: other => topic(other, { key, value }) }
}

/** The contract a bare name stands for. */
export function contractOf(ref: TopicRef): Topic {
  return typeof ref === 'string' ? topic(ref, { key: textOrBytes, value: textOrBytes }) : ref
}

export function nameOf(ref: TopicRef): string {
  return typeof ref === 'string' ? ref : ref.name
}

const textOrBytes: AnySerde<Uint8Array | string> = {
  name: 'bytes',
  serialize: (value, context) =>
    typeof value === 'string' ? Buffer.from(value) : serde.bytes.serialize(value, context),
  deserialize: value => value,
}
