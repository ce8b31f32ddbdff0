export { ClockGuard } from './clock-guard.ts'
export type { DamagedRange } from './damage/damage.ts'
export type { ScrubStatus } from './damage/scrub.ts'
export type { ScrubPass } from './damage/scrub-file.ts'
export { defaultLogConfig } from './default-log-config.ts'
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
export { ownersIn, type PartitionOwner } from './folder/partition-folder.ts'
export type { LogHealth } from './log-health.ts'
export type { LogLogger } from './log-services.ts'
