import { Message } from './message.ts'
import type { Decoded, Encodable, Fields } from './schema.ts'

/**
 * An API of the protocol: its key, the versions of it that are spoken, and the tables of its request and its response.
 */
export interface Api<Q extends Fields, R extends Fields> {
  readonly key: number
  readonly name: string
  /** The stable versions; an unstable one above them can be encoded and decoded, but nobody should offer it. */
  readonly versions: readonly [min: number, max: number]
  /** First version with compact lengths and tagged fields (KIP-482); Infinity where there is none. */
  readonly flexible: number
  readonly request: Message<Q>
  readonly response: Message<R>
  /** ApiVersions alone keeps response header v0 in its flexible versions: the asking client cannot know yet what is answered. */
  readonly plainResponseHeader: boolean
}

export type AnyApi = Api<any, any>

export interface ApiTable<Q extends Fields, R extends Fields> {
  key: number
  name: string
  versions: readonly [min: number, max: number]
  /** A version Kafka has drafted but not released. */
  unstable?: number
  flexible: number
  plainResponseHeader?: boolean
  request: Q
  response: R
}

export function api<Q extends Fields, R extends Fields>(table: ApiTable<Q, R>): Api<Q, R> {
  const { key, name, versions, flexible } = table
  const known = [versions[0], table.unstable ?? versions[1]] as const
  return {
    key,
    name,
    versions,
    flexible,
    request: new Message(`${name}Request`, known, flexible, table.request),
    response: new Message(`${name}Response`, known, flexible, table.response),
    plainResponseHeader: table.plainResponseHeader ?? false,
  }
}

/** What a decoded request or response holds: every field is there. */
export type Request<A> = A extends Api<infer Q, any> ? Decoded<Q> : never
export type Response<A> = A extends Api<any, infer R> ? Decoded<R> : never
/** What may be encoded: fields with an absent value can be left out. */
export type RequestInput<A> = A extends Api<infer Q, any> ? Encodable<Q> : never
export type ResponseInput<A> = A extends Api<any, infer R> ? Encodable<R> : never
