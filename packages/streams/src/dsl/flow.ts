import type { Serde } from '@odradek/client'
import type { Processor, ProcessorContext } from '../processor.ts'
import type { Timestamped } from '../state/stores.ts'
import type { Building, PlanNode, PlanStep } from './building.ts'

/** How records of a topic are read or written. Bytes where nothing is said. */
export interface Serdes<K, V> {
  key?: Serde<K>
  value?: Serde<V>
}

/** What every operator may be told. */
export interface NamedOptions {
  /** Names the node; and where the operator makes a topic or a store that has no name of its own, that. */
  name?: string
}

/** A place in the plan where records flow: what a KStream stands for. Operators are functions from one to the next. */
export interface StreamFlow<K = any, V = any> {
  readonly building: Building
  readonly node: PlanNode
  readonly serdes: Serdes<K, V>
  /** The key may have changed since the records were last partitioned by it: whatever needs equal keys together must repartition. */
  readonly keyChanged: boolean
  /** Names of the sources its records come from, since they were last repartitioned: joins need them equally wide. */
  readonly sources: ReadonlySet<string>
}

/** A place where a table's changes flow: what a KTable stands for. */
export interface TableFlow<K = any, V = any> extends Omit<StreamFlow<K, V>, 'keyChanged'> {
  readonly table: TableNode<K, V>
  /** Name of the store that can be asked, where there is one. */
  readonly queryableStore: string | undefined
}

/**
 * What tables, joins and groupings ask of the table above them. Answers are settled while the plan is made; the store of a source table,
 * e.g., comes into being because somebody asks for its old values.
 */
export interface TableNode<K = any, V = any> {
  /** From now on its changes carry old values. With `force` by keeping a store if need be; without, false when it cannot. */
  sendOldValues(force: boolean): boolean
  readonly sendsOldValues: boolean
  /** How others read a key's present value: from a store, or computed from the table above (streams facts 2.16). */
  getter(): GetterSupplier<K, V>
  readonly isVersioned: boolean
  /** How long a versioned table keeps its history, where that is known here. */
  readonly historyMs?: number | undefined
}

export interface GetterSupplier<K = any, V = any> {
  /** Stores that it reads: whoever uses it must be connected to them. */
  readonly stores: readonly string[]
  make(): ValueGetter<K, V>
}

export interface ValueGetter<K = any, V = any> {
  init(context: ProcessorContext): void
  get(key: K): Timestamped<V> | undefined
  /** Versioned tables only: as it was at that time. */
  getAsOf(key: K, timestamp: number): Timestamped<V> | undefined
  readonly isVersioned: boolean
}

/** The flow below a step that keeps what flows into it but for the changes. */
export function below<K, V>(
  flow: Omit<StreamFlow, 'keyChanged'>,
  step: Omit<PlanStep, 'parents'>,
  changes: { serdes: Serdes<K, V>; keyChanged: boolean },
): StreamFlow<K, V> {
  const { building, sources, node: parent } = flow
  const node = building.add({ ...step, parents: [parent] })
  return { building, node, sources, ...changes }
}

/** A step that is one processor without stores. */
export const processorStep = (
  name: string,
  parents: readonly string[],
  make: () => Processor,
): Pick<PlanStep, 'name' | 'write'> => ({
  name,
  write: topology => topology.add({ kind: 'processor', name, parents, make }),
})

/** Serdes without those that are undefined, as exact optional properties want it. */
export const serdesOf = <K, V>(key: Serde<K> | undefined, value: Serde<V> | undefined): Serdes<K, V> => ({
  ...(key && { key }),
  ...(value && { value }),
})
