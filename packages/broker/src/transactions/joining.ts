/** Partitions join a transaction, and begin one when none is open. */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { answer, busy, type Decision, refuse, store } from './decision.ts'
import { type ClientVersion, isEnding, type ProducerIdentity, type Transaction } from './transaction.ts'
import { contains, type NamedPartition, withPartitions } from './transaction-partitions.ts'

export interface JoinRequest extends ProducerIdentity {
  readonly partitions: readonly NamedPartition[]
  readonly clientVersion: ClientVersion
}

export function join(known: Transaction | undefined, request: JoinRequest, now: number): Decision {
  const stranger = strangerError(known, request)
  if (known === undefined || stranger !== undefined) return refuse(stranger!)
  if (isEnding(known)) return busy
  const isOpen = known.state === 'Ongoing'
  const partitions = withPartitions(known.partitions, request.partitions)
  if (isOpen && partitions === known.partitions) return answer(known)
  return store({
    ...known,
    state: 'Ongoing',
    partitions,
    startedAt: isOpen ? known.startedAt : now,
    updatedAt: now,
    clientVersion: request.clientVersion,
  })
}

/** Whether a batch may be written to the partition now; nothing changes. 'ending' goes by. */
export function membership(
  known: Transaction | undefined,
  producer: ProducerIdentity,
  partition: NamedPartition,
): ErrorCode | 'ending' {
  const stranger = strangerError(known, producer)
  if (known === undefined || stranger !== undefined) return stranger!
  if (isEnding(known)) return 'ending'
  const isMember = known.state === 'Ongoing' && contains(known.partitions, partition)
  return isMember ? ErrorCodes.NONE : ErrorCodes.TRANSACTION_ABORTABLE
}

/** Why the producer has no say about this transaction. */
function strangerError(known: Transaction | undefined, { producerId, epoch }: ProducerIdentity): ErrorCode | undefined {
  if (known === undefined || known.producerId !== producerId) return ErrorCodes.INVALID_PRODUCER_ID_MAPPING
  return known.epoch === epoch ? undefined : ErrorCodes.PRODUCER_FENCED
}
