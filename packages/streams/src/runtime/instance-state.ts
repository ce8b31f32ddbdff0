/**
 * The life of an instance, in Kafka Streams' words:
 *
 *     CREATED ──► REBALANCING ⇄ RUNNING
 *        │             │           │
 *        └─────────────┴───────────┴──► PENDING_SHUTDOWN ──► NOT_RUNNING
 *                      └───────────┴──► PENDING_ERROR ─────► ERROR
 *
 * RUNNING means that every task it has is restored.
 */
export type InstanceState =
  | 'CREATED'
  | 'REBALANCING'
  | 'RUNNING'
  | 'PENDING_SHUTDOWN'
  | 'NOT_RUNNING'
  | 'PENDING_ERROR'
  | 'ERROR'

const next: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
}

export const mayBecome = (from: InstanceState, to: InstanceState): boolean => next[from].includes(to)
