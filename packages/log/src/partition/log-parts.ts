/** What appending to, syncing, reading and shrinking the log of a partition work on together. */
import { Quarantine } from '../damage/quarantine.ts'
import type { LogConfig } from '../engine.ts'
import type { PartitionOwner } from '../folder/partition-folder.ts'
import type { LogServices } from '../log-services.ts'
import { ProducerState } from '../producers/producer-state.ts'
import type { RecoveredLog } from '../recovery/partition-recovery.ts'
import { SegmentList } from '../segment/segment-list.ts'
import { SegmentWriter } from '../segment/segment-writer.ts'
import { CommitWaiters } from './commit-waiters.ts'
import { LogEnds } from './log-ends.ts'
import type { LogFailure } from './log-failure.ts'
import { StepQueue } from './step-queue.ts'
import { Tail } from './tail-cache.ts'

export class LogParts {
  readonly services: LogServices
  readonly owner: PartitionOwner
  config: LogConfig
  readonly failure: LogFailure
  readonly quarantine: Quarantine
  readonly segments: SegmentList
  readonly producers: ProducerState
  readonly writer: SegmentWriter
  readonly ends: LogEnds
  readonly tail: Tail
  readonly waiters: CommitWaiters = new CommitWaiters()
  /** Removing or replacing closed segments, which appends need not wait for. */
  readonly closedChanges: StepQueue = new StepQueue(() => {})

  constructor(
    services: LogServices,
    owner: PartitionOwner,
    config: LogConfig,
    recovered: RecoveredLog | undefined,
    failure: LogFailure,
  ) {
    this.services = services
    this.owner = owner
    this.config = config
    this.failure = failure
    this.quarantine = recovered?.quarantine ?? new Quarantine()
    this.segments = new SegmentList(services, recovered?.segments ?? [], this.quarantine, recovered?.endOffset)
    this.producers = recovered?.producers ?? new ProducerState()
    this.writer = new SegmentWriter(services, owner, this.segments, recovered?.snapshotOffset ?? -1)
    const { transactions } = this.producers
    this.ends = new LogEnds(services, owner, this.segments, transactions, failure, recovered?.logStartOffset ?? 0)
    this.tail = new Tail(services.tails)
    this.segments.epochs.trimBefore(this.ends.logStartOffset)
    transactions.forgetAborted(this.ends.logStartOffset)
    transactions.committed(this.ends.highWatermark)
  }
}
