/** A transactional producer and a scripted cluster in simulated time, by the rules of before KIP-890 or of after. */
import { type Produce, type Request, readBatch } from '@odradek/protocol'
import type { OffsetClaim } from '../consumer/offset-claim.ts'
import type { TransactionalProducerOptions } from '../producer/options.ts'
import type { TransactionalProducer } from '../producer/transactions/transactional-producer.ts'
import { type SimulatedOptions, type Simulation, simulated } from './simulated-cluster.ts'

export interface TransactionScene extends Simulation {
  readonly txp: TransactionalProducer
  /** The transactional requests that came, in order: `EndTxn v5 commit 1000/3`, `Produce v13 a-0 seq 0 1000/3`, … */
  story(): string[]
}

export interface SceneOptions extends SimulatedOptions {
  readonly rules?: 'old' | 'new'
  readonly producer?: Partial<TransactionalProducerOptions>
}

export async function transactionScene(
  { rules = 'new', producer = {}, ...options }: SceneOptions,
  play: (scene: TransactionScene) => Promise<void>,
): Promise<void> {
  await simulated({ topics: { a: 2, b: 1 }, ...options }, async simulation => {
    const { cluster, kafka } = simulation
    for (const node of cluster.nodes) node.features = { 'transaction.version': rules === 'new' ? 2 : 0 }
    const txp = kafka.producer({ transactionalId: 'x', ...producer })
    const story = () => cluster.seen.flatMap(({ api, version, request }) => told(api, version, request) ?? [])
    await play({ ...simulation, txp, story })
  })
}

function told(api: string, version: number, r: any): string | undefined {
  const who = `${r.producerId ?? r.v3AndBelowProducerId}/${r.producerEpoch ?? r.v3AndBelowProducerEpoch}`
  const places = (topics: any[], of: (row: any) => number) =>
    topics.flatMap(t => t.partitions.map((row: any) => `${t.name}-${of(row)}`)).join(' ')
  switch (api) {
    case 'InitProducerId':
      return `InitProducerId ${who}`
    case 'AddPartitionsToTxn':
      return `AddPartitionsToTxn v${version} ${places(r.v3AndBelowTopics, row => row)} ${who}`
    case 'AddOffsetsToTxn':
      return `AddOffsetsToTxn ${r.groupId} ${who}`
    case 'TxnOffsetCommit':
      return `TxnOffsetCommit v${version} ${r.groupId}/${r.memberId}/${r.generationId} ${places(r.topics, row => row.partitionIndex)} ${who}`
    case 'EndTxn':
      return `EndTxn v${version} ${r.committed ? 'commit' : 'abort'} ${who}`
    case 'Produce':
      return `Produce v${version} ${batches(r).join(', ')}`
  }
  return undefined
}

function batches({ topicData }: Request<typeof Produce>): string[] {
  return topicData.flatMap(({ partitionData }) =>
    partitionData.map(({ index, records }) => {
      const { producerId, producerEpoch, baseSequence, isTransactional } = readBatch(records!)
      return `${isTransactional ? '' : 'PLAIN '}${index} seq ${baseSequence} ${producerId}/${producerEpoch}`
    }),
  )
}

/** Offsets of a group member whose generation and fate the test decides. */
export function claimOf(more: Partial<OffsetClaim> = {}): { claim: () => OffsetClaim } {
  const membership = { groupId: 'g', memberId: 'm', groupInstanceId: null, generation: 4, isSubscribed: true }
  const claim: OffsetClaim = {
    offsets: [{ topic: 'a', partition: 1, offset: 7 }],
    membership: () => membership,
    lost: () => undefined,
    begin() {},
    settled: () => Promise.resolve(),
    end() {},
    ...more,
  }
  return { claim: () => claim }
}
