import type { Api } from './api.ts'
import { DecodeError } from './errors.ts'
import { Reader } from './reader.ts'
import type { Decoded, Encodable, Fields } from './schema.ts'
import { Writer } from './writer.ts'

/**
 * Requests and responses as they travel: length, header, body.
 *
 *     request   length int32 │ apiKey int16 │ apiVersion int16 │ correlationId int32 │ clientId nullable string │ [tags] │ body
 *     response  length int32 │ correlationId int32 │ [tags] │ body
 *
 * The tags are there when the message version is flexible, except in the response header of ApiVersions. The client id keeps its
 * fixed-size length even then, so that a broker can read the header of a request it does not know.
 *
 * Encoders return a whole frame as a list of chunks; decoders take a frame without its length.
 */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Where what follows the client id begins: the tags of a flexible version, then the body. */
  readonly bodyAt: number
}

export function encodeRequest<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  value: Encodable<Q>,
): Uint8Array[] {
  const writer = new Writer()
  const close = writer.frame()
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  writer.nullableString(header.clientId)
  if (api.request.isFlexible(version)) writer.uvarint(0)
  api.request.write(writer, version, value)
  close()
  return writer.finish()
}

export function encodeResponse<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  version: number,
  correlationId: number,
  value: Encodable<R>,
): Uint8Array[] {
  const writer = new Writer()
  const close = writer.frame()
  writer.int32(correlationId)
  if (api.response.isFlexible(version) && !api.plainResponseHeader) writer.uvarint(0)
  api.response.write(writer, version, value)
  close()
  return writer.finish()
}

export function decodeRequestHeader(frame: Uint8Array): RequestHeader {
  const reader = new Reader(frame)
  return explaining('RequestHeader', () => ({
    apiKey: reader.int16(),
    apiVersion: reader.int16(),
    correlationId: reader.int32(),
    clientId: reader.nullableString(),
    bodyAt: reader.at,
  }))
}

export function decodeRequestBody<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  version: number,
  frame: Uint8Array,
  bodyAt: number,
): Decoded<Q> {
  const reader = new Reader(frame, bodyAt, frame.length, requestGrowth)
  if (api.request.isFlexible(version)) explaining('RequestHeader', () => reader.skipTags())
  return api.request.read(reader, version)
}

export function decodeResponse<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; value: Decoded<R> } {
  const reader = new Reader(frame)
  const hasTags = api.response.isFlexible(version) && !api.plainResponseHeader
  const correlationId = explaining('ResponseHeader', () => {
    const id = reader.int32()
    if (hasTags) reader.skipTags()
    return id
  })
  return { correlationId, value: api.response.read(reader, version) }
}

/** Which request a response answers; readable before its API and version are known. */
export function correlationIdOf(frame: Uint8Array): number {
  return explaining('ResponseHeader', () => new Reader(frame).int32())
}

/** Requests come from anyone; those that are large for a good reason are large in byte fields, which decode to views. */
const requestGrowth = 2

function explaining<T>(message: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new DecodeError(error.reason, { message, position: error.position })
  }
}
