import { type ErrorCode, errorByCode, type Recovery } from './error-codes.ts'

/**
 * The errors of every package: one base, five kinds. `code` is stable and meant for programs; the message is meant for people and
 * says what to do. Nothing is retriable unless it says so.
 */
export abstract class KafkaError extends Error {
  readonly code: string
  readonly retriable: boolean

  constructor(code: string, message: string, options?: { retriable?: boolean; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retriable = options?.retriable ?? false
  }
}

export interface ProtocolErrorContext {
  readonly api?: string
  readonly topic?: string
  readonly partition?: number
  /** What the broker said about it. */
  readonly message?: string | null
  /** What the thrower adds for people: what to do about it. */
  readonly advice?: string
  readonly cause?: unknown
}

/** A broker answered with an error code; the table of codes says what to do about it. `code` is the code's name. */
export class ProtocolError extends KafkaError {
  readonly errorCode: ErrorCode
  readonly recovery: Recovery
  readonly refreshMetadata: boolean
  readonly api: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined

  constructor(errorCode: number, context: ProtocolErrorContext = {}) {
    const row = errorByCode(errorCode)
    const where = context.topic === undefined ? '' : ` (${context.topic}${partitionText(context.partition)})`
    const said = context.message ? ` The broker says: ${context.message}` : ''
    const advice = context.advice ? ` ${context.advice}` : ''
    const who = context.api === undefined ? '' : `${context.api}: `
    super(row.name, `${who}${row.name}${where}: ${row.message}${said}${advice}`, {
      retriable: row.retriable,
      cause: context.cause,
    })
    this.errorCode = row.code
    this.recovery = row.recovery
    this.refreshMetadata = row.refreshMetadata
    this.api = context.api
    this.topic = context.topic
    this.partition = context.partition
  }
}

const partitionText = (partition: number | undefined): string => (partition === undefined ? '' : `-${partition}`)

export interface ConnectionErrorContext {
  readonly code?: string
  readonly host?: string
  readonly port?: number
  readonly api?: string
  readonly correlationId?: number
  /** A connection that failed is worth another try, as a rule. */
  readonly retriable?: boolean
  readonly cause?: unknown
}

/** A connection was refused, reset, closed or too slow. */
export class ConnectionError extends KafkaError {
  readonly host: string | undefined
  readonly port: number | undefined
  readonly api: string | undefined
  readonly correlationId: number | undefined

  constructor(message: string, context: ConnectionErrorContext = {}) {
    super(context.code ?? 'CONNECTION', message, { retriable: context.retriable ?? true, cause: context.cause })
    this.host = context.host
    this.port = context.port
    this.api = context.api
    this.correlationId = context.correlationId
  }
}

export interface DecodeErrorContext {
  /** Name of the message that was being read. */
  readonly message?: string | undefined
  readonly version?: number | undefined
  /** The field, like topics[0].partitions[3].index. */
  readonly path?: string | undefined
  /** Byte position in the frame. */
  readonly position?: number | undefined
  readonly cause?: unknown
}

/** Bytes from the wire do not fit the message they claim to be. The connection they came by cannot be trusted any more. */
export class DecodeError extends KafkaError {
  /** What is wrong, without where. */
  readonly reason: string
  readonly messageName: string | undefined
  readonly version: number | undefined
  readonly path: string | undefined
  readonly position: number | undefined

  constructor(reason: string, context: DecodeErrorContext = {}) {
    const version = context.version === undefined ? '' : ` v${context.version}`
    const path = context.path ? `, ${context.path}` : ''
    const position = context.position === undefined ? '' : `, byte ${context.position}`
    const where = context.message === undefined ? '' : `${context.message}${version}${path}${position}: `
    super('DECODE', `${where}${reason}`, { cause: context.cause })
    this.reason = reason
    this.messageName = context.message
    this.version = context.version
    this.path = context.path
    this.position = context.position
  }
}

export interface CorruptionErrorContext {
  readonly file?: string
  /** Byte position in the file. */
  readonly position?: number
  readonly expected?: unknown
  readonly found?: unknown
  readonly cause?: unknown
}

/** Bytes from the disk, or inside a record batch, are not what was once written. */
export class CorruptionError extends KafkaError {
  readonly file: string | undefined
  readonly position: number | undefined
  readonly expected: unknown
  readonly found: unknown

  constructor(message: string, context: CorruptionErrorContext = {}) {
    super('CORRUPTION', message, { cause: context.cause })
    this.file = context.file
    this.position = context.position
    this.expected = context.expected
    this.found = context.found
  }
}

/** The caller's argument or configuration is wrong; the message says what to write instead. */
export class UsageError extends KafkaError {
  constructor(message: string, options?: { code?: string; cause?: unknown }) {
    super(options?.code ?? 'USAGE', message, { cause: options?.cause })
  }
}
