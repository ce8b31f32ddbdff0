/** What an instance is, and how it is: Kafka Streams' metrics of a client. */
import { createRequire } from 'node:module'
import type { InstanceState } from '../runtime/instance-state.ts'
import type { Metric } from './metric.ts'

export interface Application {
  readonly id: string
  /** As `Topology.describe()` tells it. */
  readonly topology: string
}

export interface ClientGauges {
  readonly application: Application
  readonly state: InstanceState
  /** Threads: one at most. */
  readonly alive: number
  readonly failed: number
  /** Tasks whose stores are being filled. */
  readonly restoring: number
}

/** By its number, as Kafka Streams counts its states. */
const numbers: Readonly<Record<InstanceState, number>> = {
  CREATED: 0,
  REBALANCING: 1,
  RUNNING: 2,
  PENDING_SHUTDOWN: 3,
  NOT_RUNNING: 4,
  PENDING_ERROR: 5,
  ERROR: 6,
}

const { version }: { version: string } = createRequire(import.meta.url)('../../package.json')

export function clientMetrics({ application, state, alive, failed, restoring }: ClientGauges): Metric[] {
  const values: Readonly<Record<string, string | number>> = {
    version,
    'application-id': application.id,
    'topology-description': application.topology,
    state,
    'client-state': numbers[state],
    'alive-stream-threads': alive,
    'failed-stream-threads': failed,
    'restoring-tasks': restoring,
  }
  return Object.entries(values).map(([name, value]) => ({ name, group: 'stream-metrics', tags: {}, value }))
}
