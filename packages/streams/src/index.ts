export type { AggregateOptions, EmitStrategy } from './dsl/aggregation.ts'
export {
  CogroupedKStream,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from './dsl/cogrouped-k-stream.ts'
export { GlobalKTable } from './dsl/global-k-table.ts'
export { type JoinWindow, joinWindow } from './dsl/join-window.ts'
export { KGroupedStream } from './dsl/k-grouped-stream.ts'
export { KGroupedTable } from './dsl/k-grouped-table.ts'
export { KStream } from './dsl/k-stream.ts'
export { KTable } from './dsl/k-table.ts'
export type { FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord, ProcessOptions } from './dsl/processing.ts'
export { SessionWindowedKStream } from './dsl/session-windowed-k-stream.ts'
export { StreamsBuilder } from './dsl/streams-builder.ts'
export { type BufferOptions, type Suppressed, untilTimeLimit, untilWindowCloses } from './dsl/suppress.ts'
export { TimeWindowedKStream } from './dsl/time-windowed-k-stream.ts'
export { type WindowedSerde, windowedSerde } from './dsl/windowed-serde.ts'
export {
  type AlignedWindows,
  hopping,
  type SessionWindows,
  type SlidingWindows,
  session,
  sliding,
  type TimeWindows,
  tumbling,
  type UnlimitedWindow,
  unlimited,
} from './dsl/windows.ts'
export { logAndContinue, logAndFail } from './handlers/built-in.ts'
export { deadLetter } from './handlers/dead-letter.ts'
export type {
  Answer,
  DeadLetter,
  DeserializationHandler,
  ErrorHandlers,
  ErrorOptions,
  FailurePlace,
  ProcessingFailure,
  ProcessingHandler,
  ProductionFailure,
  ProductionHandler,
  StreamsLogger,
  UncaughtAnswer,
} from './handlers/handlers.ts'
export type { Metric } from './metrics/metric.ts'
export type { Processor, ProcessorContext } from './processor.ts'
export type { ProcessorSupplier } from './processors/supplier.ts'
export type { KeyQueryOptions } from './queries/group-queries.ts'
export type { StoreLag } from './queries/instance-queries.ts'
export type { StoreQueryOptions } from './queries/local-stores.ts'
export type { ClientMetadata, HostInfo, KeyMetadata } from './queries/metadata.ts'
export type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedStore,
  ReadOnlyWindowStore,
} from './queries/views.ts'
export type { Done, RecordHeaders, StreamRecord } from './record.ts'
export type { InstanceState } from './runtime/instance-state.ts'
export { KafkaStreams, type TaskView } from './runtime/kafka-streams.ts'
export type { KafkaStreamsOptions, RestoreProgress } from './runtime/streams-options.ts'
export { joinWindowStore } from './state/join-window-store.ts'
export { keyValueStore } from './state/key-value-store.ts'
export { lruStore } from './state/lru-store.ts'
export { sessionStore } from './state/session-store.ts'
export { StateFolder } from './state/state-folder.ts'
export type { ChangelogSpec, StateStore, StorePlace, StoreSpec, TaskDisk } from './state/state-store.ts'
export type {
  JoinWindowStore,
  KeyValueStore,
  SessionStore,
  StoreOptions,
  Timestamped,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  VersionedRecord,
  Windowed,
  WindowStore,
} from './state/stores.ts'
export { timestampedStore } from './state/timestamped-store.ts'
export { versionedStore } from './state/versioned-store.ts'
export { windowStore } from './state/window-store.ts'
export { StreamsError, type StreamsErrorCode } from './streams-error.ts'
export { TestInput, type TestInputOptions, TestOutput } from './test-driver/test-topics.ts'
export { TopologyTestDriver } from './test-driver/topology-test-driver.ts'
export type {
  FilledStoreOptions,
  GlobalStoreOptions,
  ProcessorNodeOptions,
  SinkNodeOptions,
  SourceNodeOptions,
} from './topology/node-options.ts'
export type { OffsetReset, StreamPartitioner, TimestampExtractor, TopicChoice } from './topology/node-spec.ts'
export { Topology } from './topology/topology.ts'
