export { ClockGuard } from './clock-guard.ts'
export type { DamagedRange } from './damage.ts'
export { EmbeddedEngine, type EmbeddedEngineOptions } from './embedded-engine.ts'
export type {
  AppendBatch,
  Appended,
  LogConfig,
  LogEngine,
  OffsetAndTime,
  PartitionId,
  PartitionState,
  ProducerInfo,
  ReadRequest,
  ReadResult,
  TopicSpec,
  Trimmed,
  Uuid,
} from './engine.ts'
export type { EmbeddedEngineLimits } from './engine-limits.ts'
export type { LogHealth } from './log-health.ts'
export type { LogLogger } from './log-services.ts'
export { ownersIn, type PartitionOwner } from './partition-folder.ts'
export type { ScrubStatus } from './scrub.ts'
export type { ScrubPass } from './scrub-file.ts'
