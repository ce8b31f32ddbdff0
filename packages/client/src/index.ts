export { ConnectionError, CorruptionError, DecodeError, KafkaError, ProtocolError, UsageError } from '@odradek/protocol'
export { Admin } from './admin/admin.ts'
export type { PartitionItem } from './admin/by-leader.ts'
export type { ActiveProducer, ClusterDescription, LogDir } from './admin/cluster-admin.ts'
export type { ConfigChange, ConfigEntry, ConfigResource, ConfigSource } from './admin/configs.ts'
export type { DescribedMember, GroupDescription, GroupType } from './admin/group-description.ts'
export type { GroupOffset, NewGroupOffset } from './admin/group-offsets.ts'
export type { GroupListing, PartitionLag } from './admin/groups.ts'
export type { OffsetMove, ResetTarget } from './admin/offset-plan.ts'
export type { OffsetPoint, PartitionOffset } from './admin/offsets.ts'
export type { LowWatermark } from './admin/records.ts'
export type { CreatedTopic, NewTopic, TopicDescription } from './admin/topics.ts'
export type {
  HangingTransaction,
  TransactionDescription,
  TransactionFilter,
  TransactionListing,
} from './admin/transactions.ts'
export type { Backoff } from './cluster/backoff.ts'
export { Cluster, type ClusterCallOptions, type MetadataOptions, type Target } from './cluster/cluster.ts'
export type { BrokerNode, PartitionMetadata, TopicMetadata } from './cluster/metadata.ts'
export type {
  Assignments,
  Assignor,
  GroupMember,
  GroupView,
  MemberAssignment,
} from './consumer/assignors/assignor.ts'
export { cooperativeSticky } from './consumer/assignors/cooperative-sticky.ts'
export { range } from './consumer/assignors/range.ts'
export { roundRobin } from './consumer/assignors/round-robin.ts'
export { sticky } from './consumer/assignors/sticky.ts'
export { type CloseOptions, Consumer, type ConsumerOptions, type RunOptions } from './consumer/consumer.ts'
export type { ConsumerRecord, RecordOf } from './consumer/consumer-record.ts'
export { DamagedRecordsError } from './consumer/damaged-records.ts'
export type {
  CommittedOffset,
  ConsumerEngine,
  EngineHealth,
  EngineHooks,
  EngineOptions,
  EngineState,
  GroupMembership,
  LostPosition,
  OffsetToCommit,
  PartitionBatch,
  StartPosition,
} from './consumer/engine.ts'
export type { ClaimOutcome, OffsetClaim, OffsetOwner } from './consumer/offset-claim.ts'
export { PartitionRevokedError } from './consumer/partition-revoked.ts'
export { createConsumerEngine } from './consumer/poll-engine.ts'
export type { BatchOptions, RecordBatch } from './consumer/record-batch.ts'
export type { RecordHeaders } from './consumer/record-headers.ts'
export type { HandlerContext, RecordHandler, RetryPolicy } from './consumer/runner.ts'
export { keyOf, type TopicPartition } from './consumer/topic-partition.ts'
export type { ReadOptions, TopicReader } from './consumer/topic-reader.ts'
export {
  type ProducerTrouble,
  producerTroubleChannel,
  type RequestContext,
  requestChannel,
  type SendContext,
  sendChannel,
} from './diagnostics.ts'
export { type InProcessBroker, Kafka, type KafkaOptions } from './kafka.ts'
export type { ProducerOptions, TransactionalProducerOptions } from './producer/options.ts'
export { type Partitioner, type PartitionerInput, partitionOfKey } from './producer/partitioner.ts'
export { Producer } from './producer/producer.ts'
export type { SendOptions } from './producer/publisher.ts'
export type { Receipt } from './producer/receipt.ts'
export type { Delivered, HeadersInput, ProducerRecord, RecordFor, RecordMetadata } from './producer/record.ts'
export { Transaction } from './producer/transactions/transaction.ts'
export { TransactionError } from './producer/transactions/transaction-error.ts'
export { TransactionalProducer, type TransactionOptions } from './producer/transactions/transactional-producer.ts'
export { Queue } from './queue/queue.ts'
export type { QueueOptions } from './queue/queue-options.ts'
export { QueueRecord, type QueueRecordOf } from './queue/queue-record.ts'
export type { QueueHandler, QueueRunOptions } from './queue/queue-runner.ts'
export { type AnySerde, type AsyncSerde, type Serde, type SerdeContext, type StandardSchema, serde } from './serde.ts'
export { contractOf, type KeyOf, nameOf, type Topic, type TopicRef, topic, type ValueOf } from './topic.ts'
