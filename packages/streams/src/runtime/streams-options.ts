import type { EngineOptions, Kafka, KafkaOptions, ProducerOptions } from '@odradek/client'
import type { ErrorOptions } from '../handlers/handlers.ts'

export interface KafkaStreamsOptions extends ErrorOptions {
  /** Instances with the same id share the work. Also the group, and the beginning of every internal topic's name. */
  applicationId: string
  /** Where the cluster is; or give `kafka`, a handle that stays yours to close. */
  brokers?: KafkaOptions['brokers']
  kafka?: Kafka
  /** Default: the application id. */
  clientId?: string
  /** Default 30,000. */
  commitIntervalMs?: number
  /** Default 1,000: a partition with more records waiting is not fetched for the moment. */
  bufferedRecordsPerPartition?: number
  /** Default 300,000: a callback that has not settled for as long ends the instance, with an error that names node and record. */
  taskTimeoutMs?: number
  /** Of internal topics. Default -1: as the brokers are configured. */
  replicationFactor?: number
  /** Sessions, fetch sizes, where to begin (default: the earliest record). */
  consumer?: Omit<EngineOptions, 'group' | 'assignors' | 'hooks' | 'autoCreateTopics'>
  producer?: ProducerOptions
  /** Time, chance and network; the real ones by default. */
  world?: NonNullable<KafkaOptions['world']>
}
