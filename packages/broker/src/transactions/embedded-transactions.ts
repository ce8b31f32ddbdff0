import type { PartitionId } from '@odradek/log'
import { CoordinatorLog } from '../coordinator-log/coordinator-log.ts'
import { coordinatorTopic } from '../coordinator-log/coordinator-topic.ts'
import type { BrokerParts } from '../handler.ts'
import { type MarkerKeeper, MarkerWriter } from './marker-writer.ts'
import type { OpenTransaction } from './recovery.ts'
import { TransactionImage } from './transaction-image.ts'
import type { NamedPartition } from './transaction-partitions.ts'
import { transactionRecords } from './transaction-records.ts'
import type { TransactionSettings } from './transaction-settings.ts'
import { Transactions } from './transactions.ts'

export const transactionTopicName = '__transaction_state'

/** All partitions of a transaction stand in one record: this is enough for some hundred thousand of them. */
const recordRoom = 10 * 1024 * 1024

export interface TransactionParts extends BrokerParts {
  readonly freshProducerId: () => Promise<bigint>
  /** Coordinators whose own topics may be written to in a transaction. */
  readonly keepers: readonly MarkerKeeper[]
}

/** Transactions that live in this process's log. `Transactions.load` then reads what was stored; until it has, requests are refused. */
export function embeddedTransactions(parts: TransactionParts): Transactions {
  const { clock, logger, config, engine, cluster, keepers, freshProducerId } = parts
  const topic = coordinatorTopic(parts, transactionTopicName, () => ({
    partitions: config.get('transaction.state.log.num.partitions'),
    config: {
      'cleanup.policy': 'compact',
      'compression.type': 'uncompressed',
      'segment.bytes': String(config.get('transaction.state.log.segment.bytes')),
      'max.message.bytes': String(Math.max(recordRoom, config.get('message.max.bytes'))),
    },
  }))
  return new Transactions({
    ...{ clock, logger, freshProducerId },
    settings: transactionSettings(parts),
    coordinatorEpoch: cluster.leaderEpoch,
    markers: new MarkerWriter({ engine, clock, logger, cluster, keepers }),
    survey: () => survey(parts),
    log: applied => {
      const freshImage = () => new TransactionImage(applied)
      return new CoordinatorLog({ engine, clock, logger, topic, kind: transactionRecords, freshImage })
    },
  })
}

/** What is open in all partitions. */
export async function survey({ cluster, engine }: Pick<BrokerParts, 'cluster' | 'engine'>): Promise<{
  open: OpenTransaction[]
  offline: (partition: NamedPartition) => boolean
}> {
  const open: OpenTransaction[] = []
  for (const { name: topic, partitions } of cluster.topics()) {
    for (const { index, id } of partitions) {
      for (const { producerId, producerEpoch: epoch, currentTransactionStart } of await engine.producers(id)) {
        if (currentTransactionStart < 0) continue
        open.push({ topic, index, producerId, epoch, startOffset: currentTransactionStart })
      }
    }
  }
  const idOf = ({ topic, index }: NamedPartition) => cluster.topic(topic)?.partitions[index]?.id
  const isOffline = (id: PartitionId | undefined) => id !== undefined && engine.isOffline(id)
  return { open, offline: partition => isOffline(idOf(partition)) }
}

function transactionSettings({ config, cluster, topics }: BrokerParts): TransactionSettings {
  return {
    get maxRecordBytes() {
      const topic = cluster.topic(transactionTopicName)
      return topic ? topics.configOf(topic)['max.message.bytes'] : recordRoom
    },
    get maxTimeoutMs() {
      return config.get('transaction.max.timeout.ms')
    },
    get timeoutCheckMs() {
      return config.get('transaction.abort.timed.out.transaction.cleanup.interval.ms')
    },
    get idExpirationMs() {
      return config.get('transactional.id.expiration.ms')
    },
    get idExpirationCheckMs() {
      return config.get('transaction.remove.expired.transaction.cleanup.interval.ms')
    },
    get verifiesPartitions() {
      return config.get('transaction.partition.verification.enable')
    },
  }
}
