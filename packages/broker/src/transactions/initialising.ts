/**
 * InitProducerId: a producer takes over a transactional id, and whoever had it before is fenced by a higher epoch. What that one left
 * open is aborted first.
 *
 * A producer that names who it was (KIP-360) goes on after an error; it is fenced itself when another has come meanwhile.
 */
import { ErrorCodes } from '@odradek/protocol'
import { busy, type Decision, needsId, refuse, store } from './decision.ts'
import { fenced } from './ending.ts'
import {
  isEnding,
  isUsedUp,
  lastClientEpoch,
  noEpoch,
  noProducerId,
  type ProducerIdentity,
  type Transaction,
} from './transaction.ts'
import { noPartitions } from './transaction-partitions.ts'

export interface InitRequest {
  readonly id: string
  readonly timeoutMs: number
  /** Who the producer says it was. */
  readonly expected: ProducerIdentity | undefined
}

export function initialise(
  known: Transaction | undefined,
  request: InitRequest,
  freshId: bigint | undefined,
  now: number,
): Decision {
  const { id, timeoutMs, expected } = request
  if (known === undefined) {
    return freshId === undefined ? needsId : store(firstOf(id, freshId, timeoutMs, now))
  }
  if (expected !== undefined && !mayGoOn(known, expected)) return refuse(ErrorCodes.PRODUCER_FENCED)
  if (isEnding(known)) return busy
  if (known.state === 'Ongoing') {
    const next = fenced(known, { byAnother: expected?.epoch !== known.epoch, freshId, now })
    return next === undefined ? needsId : { kind: 'abortFirst', next }
  }
  const idle: Transaction = {
    ...known,
    state: 'Empty',
    timeoutMs,
    partitions: noPartitions,
    startedAt: -1,
    updatedAt: now,
  }
  // It did not hear the answer, or its transaction was aborted since.
  const asksAgain = expected !== undefined && expected.epoch !== known.epoch && expected.epoch === known.lastEpoch
  if (asksAgain && known.epoch <= lastClientEpoch) return store(idle)
  if (expected !== undefined && expected.epoch !== known.epoch && !asksAgain) return refuse(ErrorCodes.PRODUCER_FENCED)
  if (isUsedUp(known)) return freshId === undefined ? needsId : store(rotated(idle, freshId, expected !== undefined))
  return store({ ...idle, epoch: known.epoch + 1, lastEpoch: expected === undefined ? noEpoch : known.epoch })
}

/** It has the id of today, or has not heard yet that its epochs were used up. */
function mayGoOn({ producerId, previousProducerId }: Transaction, expected: ProducerIdentity): boolean {
  if (expected.producerId === producerId) return true
  return expected.producerId === previousProducerId && expected.epoch >= lastClientEpoch
}

const firstOf = (id: string, producerId: bigint, timeoutMs: number, now: number): Transaction => ({
  id,
  state: 'Empty',
  producerId,
  epoch: 0,
  previousProducerId: noProducerId,
  nextProducerId: noProducerId,
  lastEpoch: noEpoch,
  timeoutMs,
  partitions: noPartitions,
  startedAt: -1,
  updatedAt: now,
  clientVersion: 0,
})

const rotated = (idle: Transaction, freshId: bigint, keepsLast: boolean): Transaction => ({
  ...idle,
  producerId: freshId,
  previousProducerId: idle.producerId,
  nextProducerId: noProducerId,
  epoch: 0,
  lastEpoch: keepsLast ? idle.epoch : noEpoch,
})
