/**
 * What is to be done about a request. The machine decides and does nothing; the coordinator does it, and decides nothing.
 */
import type { ErrorCode } from '@odradek/protocol'
import type { ProducerIdentity, Transaction } from './transaction.ts'

export type Decision =
  /** Nothing changes. */
  | { readonly kind: 'refuse'; readonly error: ErrorCode }
  | { readonly kind: 'answer'; readonly producer: ProducerIdentity }
  /** Answered when the record is durable. */
  | { readonly kind: 'store'; readonly next: Transaction; readonly producer: ProducerIdentity }
  /** The open transaction is aborted first, then the question is asked again. */
  | { readonly kind: 'abortFirst'; readonly next: Transaction }
  /** The end of a transaction is under way; CONCURRENT_TRANSACTIONS for who does not wait for it. */
  | { readonly kind: 'busy' }
  /** The epochs are used up: asked again with a fresh producer id. */
  | { readonly kind: 'needsId' }

export const refuse = (error: ErrorCode): Decision => ({ kind: 'refuse', error })
export const busy: Decision = { kind: 'busy' }
export const needsId: Decision = { kind: 'needsId' }

export const answer = ({ producerId, epoch }: ProducerIdentity): Decision => ({
  kind: 'answer',
  producer: { producerId, epoch },
})

export const store = (next: Transaction, { producerId, epoch }: ProducerIdentity = next): Decision => ({
  kind: 'store',
  next,
  producer: { producerId, epoch },
})
