export { KGroupedStream } from './dsl/k-grouped-stream.ts'
export { KStream } from './dsl/k-stream.ts'
export { KTable } from './dsl/k-table.ts'
export { StreamsBuilder } from './dsl/streams-builder.ts'
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
} from './handlers/handlers.ts'
export type { Processor, ProcessorContext } from './processor.ts'
export type { Done, RecordHeaders, StreamRecord } from './record.ts'
export type { InstanceState } from './runtime/instance-state.ts'
export { KafkaStreams, type TaskView } from './runtime/kafka-streams.ts'
export type { ReadOnlyKeyValueStore } from './runtime/store-view.ts'
export type { KafkaStreamsOptions } from './runtime/streams-options.ts'
export type { KeyValueStore, Timestamped, TimestampedKeyValueStore } from './state/stores.ts'
export { StreamsError, type StreamsErrorCode } from './streams-error.ts'
export { TestInput, type TestInputOptions, TestOutput } from './test-driver/test-topics.ts'
export { TopologyTestDriver } from './test-driver/topology-test-driver.ts'
export { Topology } from './topology/topology.ts'
