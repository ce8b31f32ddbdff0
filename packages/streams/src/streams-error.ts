import { KafkaError } from '@odradek/protocol'

/** Where a record was when something went wrong. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface StreamsErrorContext extends Partial<RecordPlace> {
  readonly node?: string | undefined
  readonly taskId?: string | undefined
  readonly retriable?: boolean
  readonly cause?: unknown
}

/**
 * What ends an application, or a query: `code` says which part failed, the rest where.
 *
 * - `DESERIALIZATION`: a source could not read a record.
 * - `PROCESSING`: a callback or a store threw, or a sink could not write a record as bytes.
 * - `PRODUCTION`: the brokers did not take what was written.
 * - `NO_START`: a source has no offset to begin at, and was told not to choose one.
 * - `RESTORATION`: a store could not be restored; `node` is its name, `topic` its changelog.
 * - `TASK_TIMEOUT`: a callback did not settle within `taskTimeoutMs`.
 * - `SHUTDOWN_REQUESTED`: another instance has failed, and its uncaught handler ended the application.
 * - `STORE_NOT_READY`: a store was asked while its tasks move or are restored; ask again later.
 */
export class StreamsError extends KafkaError {
  readonly node: string | undefined
  readonly taskId: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined

  constructor(code: StreamsErrorCode, message: string, context: StreamsErrorContext = {}) {
    super(code, message, { retriable: context.retriable ?? false, cause: context.cause })
    this.node = context.node
    this.taskId = context.taskId
    this.topic = context.topic
    this.partition = context.partition
    this.offset = context.offset
  }
}

export type StreamsErrorCode =
  | 'DESERIALIZATION'
  | 'PROCESSING'
  | 'PRODUCTION'
  | 'NO_START'
  | 'RESTORATION'
  | 'TASK_TIMEOUT'
  | 'SHUTDOWN_REQUESTED'
  | 'STORE_NOT_READY'

/** A record could not be taken through a node. What is a StreamsError already was told nearer to its cause, and stays as it is. */
export function nodeFailed(
  code: 'DESERIALIZATION' | 'PROCESSING',
  cause: unknown,
  context: { node: string; taskId: string; place: RecordPlace | undefined },
): StreamsError {
  if (cause instanceof StreamsError) return cause
  const { node, taskId, place } = context
  const where = place ? ` at offset ${place.offset} of ${place.topic}-${place.partition}` : ''
  const deed = code === 'DESERIALIZATION' ? 'could not read the record' : 'failed on the record'
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StreamsError(code, `Node ${node} of task ${taskId} ${deed}${where}: ${why}`, {
    node,
    taskId,
    cause,
    ...place,
  })
}
