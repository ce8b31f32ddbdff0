/**
 * The life of an instance, in Kafka Streams' words:
 *
 *     CREATED ──start──► REBALANCING ◄──moving── RUNNING
 *        │                 │  │  └─────settled─────►│ │
 *        │                 │  │                     │ │
 *        └──────close──────┴──┼───close─────────────┴─┼──► PENDING_SHUTDOWN ──ended──► NOT_RUNNING
 *                             └───fail────────────────┴──► PENDING_ERROR ─────ended──► ERROR
 *
 * RUNNING means that the instance has its place in the group and every task it has is restored.
 */
export type InstanceState =
  | 'CREATED'
  | 'REBALANCING'
  | 'RUNNING'
  | 'PENDING_SHUTDOWN'
  | 'NOT_RUNNING'
  | 'PENDING_ERROR'
  | 'ERROR'

export type InstanceEvent =
  | 'start'
  /** The group is rebalancing, or tasks are being restored. */
  | 'moving'
  | 'settled'
  | 'close'
  | 'fail'
  /** Everything it held has been let go. */
  | 'ended'

type Row = Readonly<Partial<Record<InstanceEvent, InstanceState>>>

const closing: Row = { close: 'PENDING_SHUTDOWN', fail: 'PENDING_ERROR' }

const transitions: Readonly<Record<InstanceState, Row>> = {
  CREATED: { start: 'REBALANCING', close: 'PENDING_SHUTDOWN' },
  REBALANCING: { ...closing, settled: 'RUNNING' },
  RUNNING: { ...closing, moving: 'REBALANCING' },
  PENDING_SHUTDOWN: { ended: 'NOT_RUNNING' },
  NOT_RUNNING: {},
  PENDING_ERROR: { ended: 'ERROR' },
  ERROR: {},
}

/** The state after an event; an event that means nothing in a state changes nothing. */
export const after = (state: InstanceState, event: InstanceEvent): InstanceState => transitions[state][event] ?? state

/** It will not process again. */
export const hasEnded = (state: InstanceState): boolean => state === 'NOT_RUNNING' || state === 'ERROR'
