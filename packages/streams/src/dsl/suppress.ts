import { UsageError } from '@odradek/client'
import { type Duration, millisecondsOf } from '../duration.ts'
import { Suppress, type Suppression } from '../processors/suppress.ts'
import { type SuppressBuffer, suppressBuffer } from '../processors/suppress-buffer.ts'
import type { Windowed } from '../state/stores.ts'
import type { PlanNode } from './building.ts'
import type { GetterSupplier, NamedOptions, TableFlow, TableNode } from './flow.ts'

/** How much may be held back. What is left out has no limit. */
export interface BufferOptions {
  maxRecords?: number
  maxBytes?: number
  /** False: what is held back is lost with the task; or topic settings for the changelog, in Kafka's dotted names. */
  logging?: boolean | Readonly<Record<string, string>>
}

interface Limits extends BufferOptions {
  readonly whenFull: 'emit-early' | 'shut-down'
}

/** What to hold back, and for how long: made by `untilWindowCloses` or `untilTimeLimit`. */
export interface Suppressed<K> {
  /** Undefined: until the window above closes. */
  readonly limitMs: number | undefined
  readonly limits: Limits
  /** Only so that a suppression of windows does not fit a table of other keys. */
  readonly key?: (key: K) => void
}

/**
 * Of each window the last result alone, when it closes. It must hold every open window: when it is full, the application ends. Without a
 * limit it may grow as memory does.
 */
export function untilWindowCloses<K = any>(buffer: BufferOptions = {}): Suppressed<Windowed<K>> {
  return { limitMs: undefined, limits: { ...buffer, whenFull: 'shut-down' } }
}

/** Of each key the last of all changes within `limit`, by stream time. When the buffer is full, what waits longest goes out early, unless said otherwise. */
export function untilTimeLimit<K = any>(
  limit: Duration,
  buffer: BufferOptions & { whenFull?: 'emit-early' | 'shut-down' } = {},
): Suppressed<K> {
  return { limitMs: millisecondsOf(limit, 'limit'), limits: { whenFull: 'emit-early', ...buffer } }
}

/** A given name uses up no numbers here, as in Kafka Streams. */
export function suppress<K, V>(
  flow: TableFlow<K, V>,
  suppressed: Suppressed<K>,
  options: NamedOptions,
): TableFlow<K, V> {
  const { building, node: parent, serdes } = flow
  const name = options.name ?? building.names.node('KTABLE-SUPPRESS-')
  const store = options.name === undefined ? building.names.store('KTABLE-SUPPRESS-') : `${options.name}-store`
  const suppression = suppressionOf(suppressed, parent, store)
  flow.table.sendOldValues(true) // for what those below have seen last
  const table = suppressedTable(flow.table, store)
  const { logging = true } = suppressed.limits
  const spec = suppressBuffer<K, V>({ name: store, key: serdes.key, value: serdes.value, options: { logging } })
  const node = building.add({
    name,
    parents: [parent],
    write(topology) {
      const make = () => new Suppress<K, V>(suppression, table.sendsOldValues)
      topology.add({ kind: 'processor', name, parents: [parent.name], make })
      topology.addStateStore(spec, name)
    },
  })
  return { ...flow, node, table, queryableStore: undefined }
}

function suppressionOf({ limitMs, limits }: Suppressed<any>, node: PlanNode, store: string): Suppression<any> {
  const { maxRecords = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, whenFull } = limits
  const shared = { store, maxRecords, maxBytes, whenFull }
  if (limitMs !== undefined)
    return { ...shared, waitMs: limitMs, timeOf: (_key, timestamp) => timestamp, isFinal: false }
  const grace = graceAbove(node)
  if (grace === undefined)
    throw new UsageError(
      `untilWindowCloses needs results of windows, and there are no windows above '${node.name}'. Use untilTimeLimit, or windowedBy before.`,
    )
  return { ...shared, waitMs: grace, timeOf: ({ end }: Windowed<unknown>) => end, isFinal: true }
}

/** Of the windows nearest above; of several the longest. */
function graceAbove(node: PlanNode): number | undefined {
  if (node.windowGraceMs !== undefined) return node.windowGraceMs
  const above = node.parents.map(graceAbove).filter(grace => grace !== undefined)
  return above.length === 0 ? undefined : Math.max(...above)
}

/** Who reads the table sees what was passed on last, not what is held back (streams facts 2.39). */
function suppressedTable<K, V>(above: TableNode<K, V>, store: string): TableNode<K, V> {
  let sends = false
  return {
    sendOldValues(force) {
      sends ||= above.sendOldValues(force)
      return sends
    },
    get sendsOldValues() {
      return sends
    },
    getter: () => suppressedGetter(above.getter(), store),
    isVersioned: false,
  }
}

const unknownTime = -1

function suppressedGetter<K, V>(above: GetterSupplier<K, V>, store: string): GetterSupplier<K, V> {
  return {
    stores: [...above.stores, store],
    make() {
      const getter = above.make()
      let buffer: SuppressBuffer<K, V>
      const get = (key: K) => {
        const shown = buffer.shown(key)
        if (shown === undefined) return getter.get(key)
        return shown === null ? undefined : { value: shown, timestamp: unknownTime }
      }
      return {
        init(context) {
          getter.init(context)
          buffer = context.store(store)
        },
        get,
        getAsOf: get,
        isVersioned: false,
      }
    },
  }
}
