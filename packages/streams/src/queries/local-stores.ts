/** Which of an instance's stores a query may look into. Decides only. */
import type { InstanceState } from '../runtime/instance-state.ts'
import type { StateStore } from '../state/state-store.ts'
import { StreamsError } from '../streams-error.ts'

/** One partition of a store on this instance. */
export interface LocalStore {
  readonly store: StateStore
  readonly partition: number
  /** A standby follows the changelog of an active task elsewhere. */
  readonly role: 'active' | 'standby' | 'global'
  readonly isRestoring: boolean
}

/** The active ones, of a store. */
export function activeStores(
  name: string,
  tasks: Iterable<{
    readonly id: string
    readonly input: { partition: number }
    readonly stores: ReadonlyMap<string, StateStore>
  }>,
  isRestoring: (taskId: string) => boolean,
): LocalStore[] {
  const found: LocalStore[] = []
  for (const { id, input, stores } of tasks) {
    const store = stores.get(name)
    if (store) found.push({ store, partition: input.partition, role: 'active', isRestoring: isRestoring(id) })
  }
  return found
}

/** Copies of what other instances work on, by task id. */
export function standbyStores(
  name: string,
  states: ReadonlyMap<string, { readonly stores: ReadonlyMap<string, StateStore> }>,
): LocalStore[] {
  return [...states].flatMap(([taskId, { stores }]) => {
    const store = stores.get(name)
    const partition = Number(taskId.split('_')[1])
    return store ? [{ store, partition, role: 'standby' as const, isRestoring: false }] : []
  })
}

export interface StoreQueryOptions {
  /** Only this partition; `queryMetadataForKey` says which one has a key. Default: all that are here. */
  partition?: number
  /** Standbys and stores that are being restored, too: what they answer may be old. Default: not. */
  stale?: boolean
}

/** Throws a StreamsError, retriable unless the instance has ended, when there is nothing that may be asked now. */
export function askable(
  name: string,
  state: InstanceState,
  stores: readonly LocalStore[],
  { partition, stale = false }: StoreQueryOptions,
): LocalStore[] {
  if (state !== 'RUNNING' && !(stale && state === 'REBALANCING'))
    throw notReady(
      `Store '${name}' cannot be asked while the instance is ${state}; wait until it is RUNNING.`,
      state === 'CREATED' || state === 'REBALANCING',
    )
  const here = stores.filter(
    store => partition === undefined || store.partition === partition || store.role === 'global',
  )
  const found = here.filter(({ role, isRestoring }) => stale || (role !== 'standby' && !isRestoring))
  if (found.length > 0 || partition === undefined) return found
  const what = `partition ${partition} of store '${name}'`
  throw notReady(
    here.length > 0
      ? `This instance has no up-to-date copy of ${what}. Ask the instance that works on it, or ask with { stale: true }.`
      : `This instance does not have ${what}. \`metadataForStore\` says which has it; it may be moving.`,
    true,
  )
}

const notReady = (message: string, retriable: boolean) => new StreamsError('STORE_NOT_READY', message, { retriable })
