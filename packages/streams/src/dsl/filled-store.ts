import type { StoreSpec } from '../state/state-store.ts'
import type { GlobalStoreOptions } from '../topology/node-options.ts'
import type { Building } from './building.ts'

/** `KSTREAM-SOURCE-…` and `KTABLE-SOURCE-…`, numbered in this order. */
export function filledStore(
  building: Building,
  store: StoreSpec,
  options: Omit<GlobalStoreOptions, 'source' | 'name'>,
): void {
  const source = building.names.node('KSTREAM-SOURCE-')
  const name = building.names.node('KTABLE-SOURCE-')
  building.add({
    name,
    parents: [],
    write: topology => void topology.addGlobalStore(store, { ...options, source, name }),
  })
}
