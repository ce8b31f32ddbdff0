/**
 * EndTxn, and the ends that the coordinator decides itself.
 *
 * A client of transactions v2 (KIP-890) has another epoch after every end. A request of the epoch before can then only be a repetition
 * of the one that ended it: it is answered as that was, and does nothing to the transaction that follows. With older clients the two
 * cannot be told apart.
 */
import { ErrorCodes } from '@odradek/protocol'
import type { Outcome } from '../coordinator-log/record-kind.ts'
import { answer, busy, type Decision, needsId, refuse, store } from './decision.ts'
import {
  type ClientVersion,
  isEnding,
  isUsedUp,
  lastClientEpoch,
  nextIdentity,
  noEpoch,
  noProducerId,
  outcomeOf,
  type ProducerIdentity,
  raised,
  type Transaction,
} from './transaction.ts'
import { noPartitions } from './transaction-partitions.ts'

export interface EndRequest extends ProducerIdentity {
  readonly outcome: Outcome
  readonly clientVersion: ClientVersion
}

const invalidState: Decision = refuse(ErrorCodes.INVALID_TXN_STATE)
const fencedOut: Decision = refuse(ErrorCodes.PRODUCER_FENCED)

export function end(
  known: Transaction | undefined,
  request: EndRequest,
  freshId: bigint | undefined,
  now: number,
): Decision {
  if (known === undefined) return refuse(ErrorCodes.INVALID_PRODUCER_ID_MAPPING)
  return request.clientVersion >= 2 ? endRising(known, request, freshId, now) : endStaying(known, request, now)
}

/** Of a client whose epoch stays. */
function endStaying(known: Transaction, request: EndRequest, now: number): Decision {
  if (known.producerId !== request.producerId) return refuse(ErrorCodes.INVALID_PRODUCER_ID_MAPPING)
  if (known.epoch !== request.epoch) return fencedOut
  if (known.state === 'Ongoing') return store(prepared(known, request, noProducerId, now))
  if (outcomeOf(known) !== request.outcome) return invalidState
  return isEnding(known) ? busy : answer(known)
}

/** Of a client whose epoch rises at every end. */
function endRising(known: Transaction, request: EndRequest, freshId: bigint | undefined, now: number): Decision {
  // It has been told who it is after the end that is under way, and ends what it began since: nothing that was written.
  if (isEnding(known) && sameIdentity(nextIdentity(known), request)) return busy
  const isRepeated = repeats(known, request)
  if (known.producerId !== request.producerId && !isRepeated) return refuse(ErrorCodes.INVALID_PRODUCER_ID_MAPPING)
  if (isRepeated) {
    if (outcomeOf(known) !== request.outcome) return invalidState
    return isEnding(known) ? busy : answer(known)
  }
  if (known.epoch !== request.epoch || isEnding(known)) return fencedOut
  // Nothing is open. An abort is taken all the same: a batch or a join that is still on its way is thereby fenced.
  if (known.state !== 'Ongoing' && request.outcome === 'commit') return invalidState
  if (isUsedUp(known) && freshId === undefined) return needsId
  const next = prepared(known, request, isUsedUp(known) ? freshId! : noProducerId, now)
  return store(next, nextIdentity(next))
}

const sameIdentity = (one: ProducerIdentity, other: ProducerIdentity): boolean =>
  one.producerId === other.producerId && one.epoch === other.epoch

/** Whether the request is the one that ended the last transaction: its epoch is the one before, or the last one of the id before. */
function repeats(known: Transaction, { producerId, epoch }: EndRequest): boolean {
  if (outcomeOf(known) === undefined) return false
  if (known.producerId === producerId) return known.epoch === epoch + 1
  return !isEnding(known) && known.previousProducerId === producerId && epoch === lastClientEpoch && known.epoch === 0
}

function prepared(
  known: Transaction,
  { outcome, clientVersion }: EndRequest,
  nextProducerId: bigint,
  now: number,
): Transaction {
  const rises = clientVersion >= 2
  return {
    ...known,
    state: outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    epoch: rises ? raised(known.epoch) : known.epoch,
    lastEpoch: rises ? known.epoch : known.lastEpoch,
    nextProducerId,
    startedAt: known.state === 'Ongoing' ? known.startedAt : now,
    updatedAt: now,
    clientVersion,
  }
}

/**
 * The transaction is aborted without an EndTxn: its producer was too slow, or begins anew, or another takes its place. The epoch fences
 * whoever writes for it still. Only another's place is not given back: a producer that says who it was goes on (KIP-360, KIP-588).
 */
export function fenced(
  open: Transaction,
  { byAnother, freshId, now }: { byAnother: boolean; freshId: bigint | undefined; now: number },
): Transaction | undefined {
  if (isUsedUp(open) && freshId === undefined) return undefined
  return {
    ...open,
    state: 'PrepareAbort',
    epoch: raised(open.epoch),
    lastEpoch: byAnother ? noEpoch : open.epoch,
    nextProducerId: isUsedUp(open) ? freshId! : noProducerId,
    updatedAt: now,
  }
}

/** Every marker is written. */
export function completed(ending: Transaction, now: number): Transaction {
  const { nextProducerId, producerId, lastEpoch } = ending
  const isReplaced = nextProducerId !== noProducerId
  return {
    ...ending,
    ...nextIdentity(ending),
    state: ending.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    previousProducerId: isReplaced ? producerId : ending.previousProducerId,
    nextProducerId: noProducerId,
    lastEpoch,
    partitions: noPartitions,
    updatedAt: now,
  }
}
