/** Bytes ⇄ meaning: what `@odradek/protocol` offers. */
export type {
  AnyApi,
  Api,
  Request,
  RequestInput,
  Response,
  ResponseInput,
} from './api.ts'
export { apiByKey, apis } from './apis.ts'
export {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeConsumerProtocol,
  encodeConsumerProtocol,
} from './consumer-protocol.ts'
export {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from './coordinator-records/consumer-group.ts'
export {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
} from './coordinator-records/coordinator-record.ts'
export {
  GroupMetadataKey,
  GroupMetadataValue,
} from './coordinator-records/group-metadata.ts'
export {
  OffsetCommitKey,
  OffsetCommitValue,
} from './coordinator-records/offset-commit.ts'
export {
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
} from './coordinator-records/share-group.ts'
export {
  ShareSnapshotKey,
  ShareSnapshotValue,
  ShareUpdateKey,
  ShareUpdateValue,
} from './coordinator-records/share-state.ts'
export { StoredTransactionValue } from './coordinator-records/stored-transaction.ts'
export {
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from './coordinator-records/streams-group.ts'
export {
  TransactionLogKey,
  TransactionLogValue,
} from './coordinator-records/transaction-log.ts'
export { type ErrorCode, ErrorCodes, type ErrorName, type ErrorRow, errorByCode, type Recovery } from './error-codes.ts'
export {
  ConnectionError,
  CorruptionError,
  DecodeError,
  KafkaError,
  ProtocolError,
  UsageError,
} from './errors.ts'
export { FrameSplitter } from './frame-splitter.ts'
export {
  correlationIdOf,
  decodeRequestBody,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type RequestHeader,
} from './frames.ts'
export type { Message, Versioned } from './message.ts'
export { AddOffsetsToTxn } from './messages/add-offsets-to-txn.ts'
export { AddPartitionsToTxn } from './messages/add-partitions-to-txn.ts'
export { AddRaftVoter } from './messages/add-raft-voter.ts'
export { AlterClientQuotas } from './messages/alter-client-quotas.ts'
export { AlterConfigs } from './messages/alter-configs.ts'
export { AlterPartitionReassignments } from './messages/alter-partition-reassignments.ts'
export { AlterReplicaLogDirs } from './messages/alter-replica-log-dirs.ts'
export { AlterShareGroupOffsets } from './messages/alter-share-group-offsets.ts'
export { AlterUserScramCredentials } from './messages/alter-user-scram-credentials.ts'
export { ApiVersions } from './messages/api-versions.ts'
export { ConsumerGroupDescribe } from './messages/consumer-group-describe.ts'
export { ConsumerGroupHeartbeat } from './messages/consumer-group-heartbeat.ts'
export { CreateAcls } from './messages/create-acls.ts'
export { CreateDelegationToken } from './messages/create-delegation-token.ts'
export { CreatePartitions } from './messages/create-partitions.ts'
export { CreateTopics } from './messages/create-topics.ts'
export { DeleteAcls } from './messages/delete-acls.ts'
export { DeleteGroups } from './messages/delete-groups.ts'
export { DeleteRecords } from './messages/delete-records.ts'
export { DeleteShareGroupOffsets } from './messages/delete-share-group-offsets.ts'
export { DeleteTopics } from './messages/delete-topics.ts'
export { DescribeAcls } from './messages/describe-acls.ts'
export { DescribeClientQuotas } from './messages/describe-client-quotas.ts'
export { DescribeCluster } from './messages/describe-cluster.ts'
export { DescribeConfigs } from './messages/describe-configs.ts'
export { DescribeDelegationToken } from './messages/describe-delegation-token.ts'
export { DescribeGroups } from './messages/describe-groups.ts'
export { DescribeLogDirs } from './messages/describe-log-dirs.ts'
export { DescribeProducers } from './messages/describe-producers.ts'
export { DescribeQuorum } from './messages/describe-quorum.ts'
export { DescribeShareGroupOffsets } from './messages/describe-share-group-offsets.ts'
export { DescribeTopicPartitions } from './messages/describe-topic-partitions.ts'
export { DescribeTransactions } from './messages/describe-transactions.ts'
export { DescribeUserScramCredentials } from './messages/describe-user-scram-credentials.ts'
export { ElectLeaders } from './messages/elect-leaders.ts'
export { EndTxn } from './messages/end-txn.ts'
export { ExpireDelegationToken } from './messages/expire-delegation-token.ts'
export { Fetch } from './messages/fetch.ts'
export { FindCoordinator } from './messages/find-coordinator.ts'
export { GetTelemetrySubscriptions } from './messages/get-telemetry-subscriptions.ts'
export { Heartbeat } from './messages/heartbeat.ts'
export { IncrementalAlterConfigs } from './messages/incremental-alter-configs.ts'
export { InitProducerId } from './messages/init-producer-id.ts'
export { JoinGroup } from './messages/join-group.ts'
export { LeaveGroup } from './messages/leave-group.ts'
export { ListConfigResources } from './messages/list-config-resources.ts'
export { ListGroups } from './messages/list-groups.ts'
export { ListOffsets } from './messages/list-offsets.ts'
export { ListPartitionReassignments } from './messages/list-partition-reassignments.ts'
export { ListTransactions } from './messages/list-transactions.ts'
export { Metadata } from './messages/metadata.ts'
export { OffsetCommit } from './messages/offset-commit.ts'
export { OffsetDelete } from './messages/offset-delete.ts'
export { OffsetFetch } from './messages/offset-fetch.ts'
export { OffsetForLeaderEpoch } from './messages/offset-for-leader-epoch.ts'
export { Produce } from './messages/produce.ts'
export { PushTelemetry } from './messages/push-telemetry.ts'
export { RemoveRaftVoter } from './messages/remove-raft-voter.ts'
export { RenewDelegationToken } from './messages/renew-delegation-token.ts'
export { SaslAuthenticate } from './messages/sasl-authenticate.ts'
export { SaslHandshake } from './messages/sasl-handshake.ts'
export { ShareAcknowledge } from './messages/share-acknowledge.ts'
export { ShareFetch } from './messages/share-fetch.ts'
export { ShareGroupDescribe } from './messages/share-group-describe.ts'
export { ShareGroupHeartbeat } from './messages/share-group-heartbeat.ts'
export { StreamsGroupDescribe } from './messages/streams-group-describe.ts'
export { StreamsGroupHeartbeat } from './messages/streams-group-heartbeat.ts'
export { SyncGroup } from './messages/sync-group.ts'
export { TxnOffsetCommit } from './messages/txn-offset-commit.ts'
export { UnregisterBroker } from './messages/unregister-broker.ts'
export { UpdateFeatures } from './messages/update-features.ts'
export { WriteTxnMarkers } from './messages/write-txn-markers.ts'
export { BatchBuilder, type BuildOptions } from './records/batch-builder.ts'
export { BatchHeader, eachBatch, magicOf, readBatch } from './records/batch-header.ts'
export { batchOverhead, type Codec, codecs, type TimestampType } from './records/batch-layout.ts'
export {
  hasValidCrc,
  patchBaseOffset,
  patchLeaderEpoch,
  patchMaxTimestamp,
  patchProducer,
} from './records/batch-patch.ts'
export { compress, decompress } from './records/compression/codec.ts'
export {
  type ControlBatch,
  type ControlBatchInput,
  type ControlType,
  decodeControlBatch,
  encodeControlBatch,
} from './records/control-batch.ts'
export { crc32c } from './records/crc32c.ts'
export { type EncodeBatchOptions, encodeBatch } from './records/encode-batch.ts'
export type { LazyRecord, RecordHeader } from './records/lazy-record.ts'
export { decodeRecords, defaultMaxDecompressedBytes, RecordBatchReader } from './records/record-batch-reader.ts'
export { type BytesInput, type HeaderInput, type RecordInput, recordSizeBound } from './records/record-input.ts'
export { RecordWalk } from './records/record-walk.ts'
export { type RetainedRecords, retainedBatch } from './records/retained-batch.ts'
export { noId } from './schema.ts'
