/**
 * One question about many things, where each may succeed or fail on its own. Things whose failure may pass are asked about again,
 * without the others, until the time is over; then one failure is thrown as it is, and several as an AggregateError whose items
 * name their topic, partition or group.
 *
 * `mayBeDone` tells the asker that the answer to an earlier attempt was lost, so that it may find its own work already done.
 */
import { ConnectionError, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { recoveryOf } from '../cluster/recovery.ts'

export interface AdminCallOptions {
  readonly signal?: AbortSignal | undefined
}

export type Settled<I, R> = { readonly item: I; readonly result: R } | { readonly item: I; readonly error: Error }

export interface EachOptions extends AdminCallOptions {
  /** Error codes that no retry cures here, whatever the table says. */
  readonly final?: readonly number[]
}

export async function settleEach<I, R>(
  cluster: Cluster,
  items: readonly I[],
  options: EachOptions,
  ask: (pending: readonly I[], mayBeDone: boolean) => Promise<Settled<I, R>[]>,
): Promise<R[]> {
  const results = new Map<I, R>()
  const failures = new Map<I, Error>()
  const isFinal = (error: Error) =>
    recoveryOf(error) === 'give-up' ||
    (error instanceof ProtocolError && (options.final ?? []).includes(error.errorCode))
  let pending = items
  let mayBeDone = false
  const lost = (error: unknown): never => {
    mayBeDone ||= error instanceof ConnectionError
    throw error
  }
  const round = async () => {
    const settled = pending.length > 0 ? await ask(pending, mayBeDone).catch(lost) : []
    let transient: Error | undefined
    for (const row of settled) {
      if ('result' in row) results.set(row.item, row.result)
      else {
        failures.set(row.item, row.error)
        if (!isFinal(row.error)) transient ??= row.error
      }
    }
    pending = pending.filter(item => !results.has(item) && !isFinal(failures.get(item) ?? unanswered()))
    if (transient) throw transient
  }
  try {
    await cluster.retrying({ signal: options.signal }, round)
  } catch (error) {
    if (options.signal?.aborted || failures.size === 0) throw error
  }
  const failed = items.filter(item => !results.has(item)).map(item => failures.get(item) ?? unanswered())
  if (failed.length === 1) throw failed[0]
  if (failed.length > 1)
    throw new AggregateError(failed, `${failed.length} of ${items.length} failed; the first: ${failed[0]!.message}`)
  return items.map(item => results.get(item)!)
}

/** Rows of an answer matched to what was asked. */
export function matchRows<I, Row extends { readonly errorCode: number; readonly errorMessage?: string | null }, R>(
  pending: readonly I[],
  rowOf: (item: I) => Row | undefined,
  context: { readonly api: string; readonly topic?: (item: I) => string; readonly partition?: (item: I) => number },
  resultOf: (row: Row, item: I) => R,
): Settled<I, R>[] {
  return pending.map(item => {
    const row = rowOf(item)
    if (!row) return { item, error: unanswered() }
    if (row.errorCode === 0) return { item, result: resultOf(row, item) }
    const where = {
      ...(context.topic && { topic: context.topic(item) }),
      ...(context.partition && { partition: context.partition(item) }),
    }
    return {
      item,
      error: new ProtocolError(row.errorCode, { api: context.api, message: row.errorMessage ?? null, ...where }),
    }
  })
}

function unanswered(): Error {
  return new Error('the broker answered without mentioning it')
}
