import { AssertionError } from 'node:assert'
import { type AnyApi, ErrorCodes, encodeResponse, ProtocolError } from '@odradek/protocol'
import type { Logger } from './logger.ts'
import { Refusal } from './refusal.ts'

/** The response frame; undefined, and a line in the log, when a handler made something that is none: the connection must close. */
export function encodedResponse(
  api: AnyApi,
  version: number,
  correlationId: number,
  value: object,
  logger: Logger,
): Uint8Array[] | undefined {
  try {
    return encodeResponse(api, version, correlationId, value as never)
  } catch (error) {
    logger.error(
      { api: api.name, version, error },
      'closing a connection: an answer could not be encoded; please report this',
    )
    return undefined
  }
}

/**
 * What a thrown error becomes: a response with its code, where this version of the API has a place for one, else undefined. This is the only place
 * that does so. A failed assertion is a bug; nobody answers for it, and the process stops.
 */
export function failedResponse(api: AnyApi, version: number, error: unknown, logger: Logger): object | undefined {
  if (error instanceof AssertionError) throw error
  const code = error instanceof ProtocolError ? error.errorCode : ErrorCodes.UNKNOWN_SERVER_ERROR
  if (!(error instanceof ProtocolError))
    logger.error({ api: api.name, error }, 'a request failed in a way nobody foresaw')
  const fields: Table = api.response.fields
  const place = fields.errorCode
  if (place === undefined || version < (place.from ?? 0) || version > (place.to ?? version)) return undefined
  const sentence = error instanceof Refusal ? error.sentence : undefined
  return {
    ...blank(fields),
    errorCode: code,
    ...('errorMessage' in fields && sentence ? { errorMessage: sentence } : {}),
  }
}

/** What there is to know of a response's fields: a field has an absent value, or is plainly a type. */
type Table = Readonly<
  Record<string, { absent?: unknown; from?: number; to?: number; kind?: string; nullableFrom?: number; fields?: Table }>
>

/** The least a table allows: fields with an absent value left out, the others empty. */
function blank(fields: Table): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind === undefined) continue
    value[name] = field.nullableFrom === 0 ? null : field.kind === 'struct' ? blank(field.fields!) : empty[field.kind]
  }
  return value
}

const empty: Readonly<Record<string, unknown>> = {
  bool: false,
  bigint64: 0n,
  uuid: '00000000-0000-0000-0000-000000000000',
  string: '',
  bytes: new Uint8Array(0),
  records: new Uint8Array(0),
  array: [],
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  float64: 0,
}
