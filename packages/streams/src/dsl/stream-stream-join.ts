import type { Serde } from '@odradek/client'
import { rememberForJoin } from '../processors/join-window.ts'
import { passThrough } from '../processors/stateless.ts'
import { JoinTime, type StreamJoinSide, StreamStreamJoin } from '../processors/stream-stream-join.ts'
import type { MaybePromise } from '../record.ts'
import { joinWindowStore } from '../state/join-window-store.ts'
import type { StoreOptions } from '../state/stores.ts'
import { unjoinedStore } from '../state/unjoined-store.ts'
import type { Topology } from '../topology/topology.ts'
import type { PlanNode } from './building.ts'
import { type NamedOptions, type StreamFlow, serdesOf } from './flow.ts'
import type { JoinWindow } from './join-window.ts'
import { onlyBytes } from './only-bytes.ts'
import { repartition } from './repartition.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import type { JoinKind } from './table-table-join.ts'

export interface StreamJoinOptions<K, V, W> extends NamedOptions, Pick<StoreOption, 'store'> {
  window: JoinWindow
  /** How both sides are kept, and sent where they must be repartitioned. Default: as they are read. */
  key?: Serde<K>
  left?: Serde<NonNullable<V>>
  right?: Serde<NonNullable<W>>
}

export type StreamJoiner<K, V, W, R> = (left: V, right: W, key: K) => MaybePromise<R>

interface JoinNames {
  readonly thisWindowed: string
  readonly otherWindowed: string
  readonly joinThis: string
  readonly joinOther: string
  readonly merge: string
  readonly thisStore: string
  readonly otherStore: string
  readonly unjoined: string
}

/** Each side keeps its records in a window for the other to find: two stores, and a third for those that find nobody. */
export function streamStreamJoin<K, V, W, R>(
  left: StreamFlow<K, V>,
  right: StreamFlow<K, W>,
  joiner: StreamJoiner<K, any, any, R>,
  options: StreamJoinOptions<K, V, W> & { kind: JoinKind },
): StreamFlow<K, R> {
  const { building } = left
  const { kind } = options
  const key = options.key ?? left.serdes.key
  const leftValue = options.left ?? left.serdes.value
  const rightValue = options.right ?? right.serdes.value
  const one = partitioned(left, key, leftValue as Serde<V> | undefined, options.name && `${options.name}-left`)
  const other = partitioned(right, key, rightValue as Serde<W> | undefined, options.name && `${options.name}-right`)
  const names = namesOf(one, kind, options)
  const windowed = (from: StreamFlow, name: string, store: string): PlanNode =>
    building.add({
      name,
      parents: [from.node],
      write: topology =>
        topology.add({ kind: 'processor', name, parents: [from.node.name], make: () => rememberForJoin(store) }),
    })
  const thisWindowed = windowed(one, names.thisWindowed, names.thisStore)
  const otherWindowed = windowed(other, names.otherWindowed, names.otherStore)
  const sources = new Set([...one.sources, ...other.sources])
  const write = (topology: Topology) => {
    writeSides(topology, names, kind, options.window, joiner)
    const stores = storesOf(names, options, { key, left: leftValue, right: rightValue })
    topology.addStateStore(stores.this, names.thisWindowed, names.joinOther)
    topology.addStateStore(stores.other, names.otherWindowed, names.joinThis)
    if (kind !== 'inner') topology.addStateStore(stores.unjoined, names.joinThis, names.joinOther)
    topology.copartition([...sources])
  }
  const node = building.add({
    name: names.merge,
    parents: [thisWindowed, otherWindowed],
    takesNullKeys: kind !== 'inner',
    write,
  })
  return { building, node, sources, keyChanged: false, serdes: serdesOf<K, R>(key, undefined) }
}

/** Through a repartition topic called after the join, or else after the node above, where the key may have changed. */
export function partitioned<K, V>(
  flow: StreamFlow<K, V>,
  key: Serde<K> | undefined,
  value: Serde<V> | undefined,
  name: string | undefined,
): StreamFlow<K, V> {
  if (!flow.keyChanged) return flow
  const topic = name ?? flow.node.name
  return repartition(flow, { name: topic, isNamed: !generatedStreamName.test(topic), key, value })
}

/** The nodes around a topic are numbered where it is called after a node that nobody has named. */
const generatedStreamName = /^KSTREAM.*-\d{10}$/

/** In the order in which Kafka Streams takes them: topics and stores are named after the numbers. */
function namesOf({ building }: StreamFlow, kind: JoinKind, options: NamedOptions & StoreOption): JoinNames {
  const { name } = options
  const base = storeOptionsOf(options).name
  const { names } = building
  const of = (prefix: string, part: string) => names.node(prefix, name && `${name}-${part}`)
  const thisWindowed = of('KSTREAM-WINDOWED-', 'this-windowed')
  const otherWindowed = of('KSTREAM-WINDOWED-', 'other-windowed')
  const thisPart = kind === 'outer' ? 'outer-this-join' : 'this-join'
  const otherPart = kind === 'inner' ? 'other-join' : 'outer-other-join'
  const thisGenerated = names.node(kind === 'outer' ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-')
  const otherGenerated = names.node(kind === 'inner' ? 'KSTREAM-JOINOTHER-' : 'KSTREAM-OUTEROTHER-')
  const merge = of('KSTREAM-MERGE-', 'merge')
  const shared = kind === 'outer' ? 'outer-shared-join' : 'left-shared-join'
  const number = thisGenerated.slice(-10)
  return {
    thisWindowed,
    otherWindowed,
    joinThis: name === undefined ? thisGenerated : `${name}-${thisPart}`,
    joinOther: name === undefined ? otherGenerated : `${name}-${otherPart}`,
    merge,
    thisStore: `${base === undefined ? thisGenerated : `${base}-${thisPart}`}-store`,
    otherStore: `${base === undefined ? otherGenerated : `${base}-${otherPart}`}-store`,
    unjoined: `${base === undefined ? `KSTREAM-OUTERSHARED-${number}` : `${base}-${shared}`}-store`,
  }
}

function writeSides<R>(
  topology: Topology,
  names: JoinNames,
  kind: JoinKind,
  { beforeMs, afterMs, graceMs }: JoinWindow,
  join: StreamJoinSide<R>['join'],
): void {
  const unjoined = kind === 'inner' ? undefined : names.unjoined
  const waitMs = { left: afterMs, right: beforeMs }
  // One clock for both sides of a task: the side whose processor is made last in a task finds what the first has put there.
  const times = new PairedTimes()
  const side = (isLeft: boolean) => (): StreamStreamJoin<unknown, R> =>
    new StreamStreamJoin<unknown, R>({
      isLeft,
      beforeMs: isLeft ? beforeMs : afterMs,
      afterMs: isLeft ? afterMs : beforeMs,
      graceMs,
      otherWindow: isLeft ? names.otherStore : names.thisStore,
      unjoined,
      keepsUnjoined: kind === 'outer' || (kind === 'left' && isLeft),
      waitMs,
      join,
      time: times.next(),
    })
  topology.add({ kind: 'processor', name: names.joinThis, parents: [names.thisWindowed], make: side(true) })
  topology.add({ kind: 'processor', name: names.joinOther, parents: [names.otherWindowed], make: side(false) })
  topology.add({
    kind: 'processor',
    name: names.merge,
    parents: [names.joinThis, names.joinOther],
    make: passThrough,
  })
}

/** The processors of a task are made one after the other: every second one shares the time of the one before. */
class PairedTimes {
  #waiting: JoinTime | undefined

  next(): JoinTime {
    const time = this.#waiting ?? new JoinTime()
    this.#waiting = this.#waiting ? undefined : time
    return time
  }
}

function storesOf<K, V, W>(
  names: JoinNames,
  { window, ...options }: StreamJoinOptions<K, V, W>,
  serdes: { key: Serde<K> | undefined; left: Serde<any> | undefined; right: Serde<any> | undefined },
) {
  const { name: _, ...rest } = storeOptionsOf(options)
  const kept: StoreOptions = rest
  const { key = onlyBytes, left = onlyBytes, right = onlyBytes } = serdes
  const windowSizeMs = window.beforeMs + window.afterMs
  const size = { windowSizeMs, retentionMs: windowSizeMs + window.graceMs, options: kept }
  return {
    this: joinWindowStore<K, any>({ name: names.thisStore, key, value: left, ...size }),
    other: joinWindowStore<K, any>({ name: names.otherStore, key, value: right, ...size }),
    unjoined: unjoinedStore({ name: names.unjoined, key, left, right, options: kept }),
  }
}
