/**
 * The life of a transactional producer, as a table. Decides only.
 *
 *     nameless ──begin──▶ naming ──named──▶ open ──commit/abort──▶ ending ──ended──▶ named ──begin──▶ open …
 *         ▲                  │ unnamed                                │ lapsed
 *         └──────────────────┴────────────────────────────────────────┘
 *
 * `nameless`: the producer has no identity (any more) under which the next transaction could begin; InitProducerId gives one.
 * `failed` and `closed` are ends; what is under way when the producer closes without waiting for it changes nothing any more.
 */
export type Phase = 'nameless' | 'naming' | 'named' | 'open' | 'ending' | 'failed' | 'closed'

export type PhaseEvent =
  /** A transaction, or the taking over of the id, is asked for. */
  | 'begin'
  /** The identity is known; the transaction is open. */
  | 'named'
  /** No identity could be had. */
  | 'unnamed'
  /** EndTxn is on its way, or what comes before it. */
  | 'end'
  /** Over, and the identity is good for the next. */
  | 'ended'
  /** Over, or nobody knows; the next needs an identity of its own. */
  | 'lapsed'
  | 'fatal'
  | 'close'

const table: { readonly [P in Phase]: { readonly [E in PhaseEvent]?: Phase } } = {
  nameless: { begin: 'naming', close: 'closed' },
  naming: { named: 'open', unnamed: 'nameless', fatal: 'failed', close: 'closed' },
  named: { begin: 'naming', close: 'closed' },
  open: { end: 'ending', fatal: 'failed', close: 'closed' },
  ending: { ended: 'named', lapsed: 'nameless', fatal: 'failed', close: 'closed' },
  failed: { close: 'closed' },
  closed: { named: 'closed', unnamed: 'closed', end: 'closed', ended: 'closed', lapsed: 'closed', fatal: 'closed' },
}

/** Undefined: this cannot happen in this phase. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase | undefined {
  return table[phase][event]
}
