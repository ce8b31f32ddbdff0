/**
 * The requests of a transaction, each repeated until its answer is final: with a pause, from the coordinator there is by then, for as
 * long as a delivery may take. All of them may be repeated without harm.
 */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  type AnyApi,
  ConnectionError,
  EndTxn,
  InitProducerId,
  ProtocolError,
  type RequestInput,
  type Response,
  TxnOffsetCommit,
} from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { backoffMs } from '../../cluster/backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorKind } from '../../cluster/coordinators.ts'
import { recoveryOf } from '../../cluster/recovery.ts'
import type { GroupMembership, OffsetToCommit } from '../../consumer/engine.ts'
import type { TopicPartition } from '../../consumer/topic-partition.ts'
import type { ProducerIdentity } from '../batch.ts'
import { gravest, type TransactionRequest, type Verdict, verdictOf } from './verdict.ts'

/** Why there is no good answer. `exhausted`: it may still come to pass, but nobody said so in time; `stopped`: nobody wants it any more. */
export interface Refusal {
  readonly verdict: Exclude<Verdict, 'soon' | 'again' | 'look-up'> | 'exhausted' | 'stopped'
  readonly error: Error
}

export type Answered<T> = { readonly refused?: undefined; readonly value: T } | { readonly refused: Refusal }

export interface TransactionCoordinatorOptions {
  readonly cluster: Cluster
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  /** So long an answer is waited for. */
  readonly timeoutMs: number
}

interface Question<A extends AnyApi> {
  readonly api: A
  readonly input: RequestInput<A>
  readonly codes: (response: Response<A>) => Iterable<number>
  /** The group whose coordinator is asked instead of the transaction's. */
  readonly group?: string
  readonly maxVersion?: number | undefined
  /** Ends the repetitions; an answer that is under way is waited for, so that nothing of it happens afterwards. */
  readonly signal?: AbortSignal | undefined
}

const purpose = 'transaction'
/** Up to these versions requests are those of transactions as they were before KIP-890. */
const lastOfV1 = { TxnOffsetCommit: 4, EndTxn: 4 } as const
const lastOfClients = 3
const longestSoonMs = 20

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
  }

  /** Whether the cluster has transactions as of KIP-890. */
  async isV2(signal: AbortSignal | undefined): Promise<boolean> {
    const { cluster, transactionalId: id } = this.#options
    const connection = await cluster.retrying({ signal }, async () => {
      try {
        const nodeId = await cluster.coordinator('transaction', id, signal ? { signal } : {})
        return cluster.readyConnection(nodeId, purpose) ?? (await cluster.connection(nodeId, purpose, signal))
      } catch (error) {
        if (error instanceof ConnectionError) cluster.forgetCoordinator('transaction', id)
        throw error
      }
    })
    return connection.featureLevel('transaction.version') >= 2
  }

  /** `current` goes on with the next epoch; without it whoever has the id now is fenced. */
  async identify(current: ProducerIdentity | undefined, signal?: AbortSignal): Promise<Answered<ProducerIdentity>> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    const { producerId = -1n, epoch = -1 } = current ?? {}
    const input = { transactionalId, transactionTimeoutMs, producerId, producerEpoch: epoch }
    const answer = await this.#ask({ api: InitProducerId, input, codes: ({ errorCode }) => [errorCode], signal })
    if (answer.refused) return answer
    return { value: identityOf(answer.value) }
  }

  async addPartitions(
    { producerId, epoch }: ProducerIdentity,
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<Answered<unknown>> {
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
    const input = {
      v3AndBelowTransactionalId: this.#options.transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: epoch,
      v3AndBelowTopics: Array.from(byTopic, ([name, some]) => ({ name, partitions: some.map(at => at.partition) })),
    }
    return this.#ask({
      api: AddPartitionsToTxn,
      input,
      codes: ({ resultsByTopicV3AndBelow: topics }) =>
        topics.flatMap(topic => topic.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)),
      maxVersion: lastOfClients,
      signal,
    })
  }

  async addOffsets(
    { producerId, epoch: producerEpoch }: ProducerIdentity,
    groupId: string,
    signal: AbortSignal,
  ): Promise<Answered<unknown>> {
    const { transactionalId } = this.#options
    const input = { transactionalId, producerId, producerEpoch, groupId }
    return this.#ask({ api: AddOffsetsToTxn, input, codes: ({ errorCode }) => [errorCode], signal })
  }

  async commitOffsets(
    { producerId, epoch: producerEpoch }: ProducerIdentity,
    isV2: boolean,
    { groupId, memberId, generation, groupInstanceId }: GroupMembership,
    offsets: readonly OffsetToCommit[],
    signal: AbortSignal,
  ): Promise<Answered<unknown>> {
    const topics = Array.from(
      Map.groupBy(offsets, ({ topic }) => topic),
      ([name, some]) => ({
        name,
        partitions: some.map(({ partition, offset, leaderEpoch, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch ?? -1,
          committedMetadata: metadata ?? '',
        })),
      }),
    )
    const member = { memberId, generationId: generation, groupInstanceId }
    const { transactionalId } = this.#options
    return this.#ask({
      api: TxnOffsetCommit,
      input: { transactionalId, groupId, producerId, producerEpoch, ...member, topics },
      codes: response => response.topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode)),
      group: groupId,
      maxVersion: isV2 ? undefined : lastOfV1.TxnOffsetCommit,
      signal,
    })
  }

  /** Answers who the producer is from now on. */
  async end(identity: ProducerIdentity, isV2: boolean, committed: boolean): Promise<Answered<ProducerIdentity>> {
    const { transactionalId } = this.#options
    const { producerId, epoch: producerEpoch } = identity
    const answer = await this.#ask({
      api: EndTxn,
      input: { transactionalId, producerId, producerEpoch, committed },
      codes: ({ errorCode }) => [errorCode],
      maxVersion: isV2 ? undefined : lastOfV1.EndTxn,
    })
    if (answer.refused) return answer
    return { value: answer.value.producerId < 0n ? identity : identityOf(answer.value) }
  }

  async #ask<A extends AnyApi>(question: Question<A>): Promise<Answered<Response<A>>> {
    const { cluster, timeoutMs } = this.#options
    const { signal } = question
    const deadline = cluster.clock.monotonic() + timeoutMs
    for (let failures = 1; ; failures++) {
      if (signal?.aborted) return { refused: { verdict: 'stopped', error: signal.reason } }
      const answer = await this.#attempt(question)
      if ('value' in answer) return answer
      const { verdict, error } = answer
      if (verdict !== 'again' && verdict !== 'soon' && verdict !== 'look-up') return { refused: { verdict, error } }
      if (verdict === 'look-up') this.#forget(question.group)
      const usual = backoffMs(failures, cluster.random, cluster.backoff)
      const pause = verdict === 'soon' ? Math.min(usual, longestSoonMs, 2 ** (failures - 1)) : usual
      if (cluster.clock.monotonic() + pause >= deadline) return { refused: { verdict: 'exhausted', error } }
      await sleep(cluster.clock, pause, signal).catch(() => {}) // the signal is looked at above
    }
  }

  async #attempt<A extends AnyApi>({
    api,
    input,
    codes,
    group,
    maxVersion,
  }: Question<A>): Promise<{ value: Response<A> } | { verdict: Verdict | 'stopped'; error: Error }> {
    const request = api.name as TransactionRequest
    try {
      const nodeId = await this.#options.cluster.coordinator(...this.#whom(group))
      const value = await this.#options.cluster.call(nodeId, api, input, { purpose, maxVersion })
      const code = gravest(request, codes(value))
      if (code === undefined) return { value }
      return { verdict: verdictOf(request, code), error: new ProtocolError(code, { api: api.name }) }
    } catch (error) {
      return { verdict: verdictOfFailure(request, error), error: error as Error }
    }
  }

  #whom(group: string | undefined): [kind: CoordinatorKind, key: string] {
    return group === undefined ? ['transaction', this.#options.transactionalId] : ['group', group]
  }

  #forget(group: string | undefined): void {
    this.#options.cluster.forgetCoordinator(...this.#whom(group))
  }
}

/** No answer came, or no coordinator was found. */
function verdictOfFailure(request: TransactionRequest, error: unknown): Verdict | 'stopped' {
  if (error instanceof ProtocolError) return verdictOf(request, error.errorCode)
  return recoveryOf(error) === 'give-up' ? 'stopped' : 'look-up'
}

function identityOf(answer: { producerId: bigint; producerEpoch: number }): ProducerIdentity {
  return { producerId: answer.producerId, epoch: answer.producerEpoch, isTransactional: true }
}
