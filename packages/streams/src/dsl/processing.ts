/** Processors of the user's own in a stream. */
import type { Processor, ProcessorContext } from '../processor.ts'
import type { Done, StreamRecord } from '../record.ts'
import type { StoreSpec } from '../state/state-store.ts'
import { below, type NamedOptions, type Serdes, type StreamFlow, serdesOf } from './flow.ts'

/** Makes a processor for each task; or is one, as a function. */
export type ProcessorSupplier<K, V, KOut, VOut> =
  | (() => Processor<K, V, KOut, VOut>)
  | { readonly process: (record: StreamRecord<K, V>, context: ProcessorContext<KOut, VOut>) => Done }

/** A record whose key cannot be changed: what is passed on has the key of what came. */
export type FixedKeyRecord<K, V> = StreamRecord<K, V>

/** As ProcessorContext, but forwards values: the key stays, and so no repartition is needed (KIP-820). */
export interface FixedKeyProcessorContext<K, V> extends Omit<ProcessorContext<K, V>, 'forward'> {
  forward(record: {
    readonly value: V
    readonly timestamp?: number
    readonly headers?: StreamRecord<K, V>['headers']
  }): Done
}

export interface FixedKeyProcessor<K = any, V = any, VOut = any> {
  init?(context: FixedKeyProcessorContext<K, VOut>): void
  process(record: FixedKeyRecord<K, V>): Done
  close?(): void
}

export interface ProcessOptions<K, V> extends NamedOptions, Serdes<K, V> {
  /** Stores it uses: by name, where they were added to the builder; or specs, which are added. */
  stores?: readonly (string | StoreSpec)[]
}

export function process<K, V, KOut, VOut>(
  flow: StreamFlow<K, V>,
  supplier: ProcessorSupplier<K, V, KOut, VOut>,
  options: ProcessOptions<KOut, VOut>,
): StreamFlow<KOut, VOut> {
  const name = flow.building.names.node('KSTREAM-PROCESSOR-', options.name)
  const make = typeof supplier === 'function' ? supplier : () => functionProcessor(supplier.process)
  return below(
    flow,
    { ...statefulStep(name, flow, make, options.stores), changesKey: true },
    {
      serdes: serdesOf(options.key, options.value),
      keyChanged: true,
    },
  )
}

export function processValues<K, V, VOut>(
  flow: StreamFlow<K, V>,
  supplier: () => FixedKeyProcessor<K, V, VOut>,
  options: ProcessOptions<K, VOut>,
): StreamFlow<K, VOut> {
  const name = flow.building.names.node('KSTREAM-PROCESSVALUES-', options.name)
  const make = () => keyKeeping(supplier())
  return below(flow, statefulStep(name, flow, make, options.stores), {
    serdes: serdesOf(options.key ?? flow.serdes.key, options.value),
    keyChanged: flow.keyChanged,
  })
}

function statefulStep(
  name: string,
  flow: StreamFlow,
  make: () => Processor,
  stores: readonly (string | StoreSpec)[] = [],
) {
  return {
    name,
    write(topology: Parameters<Parameters<typeof flow.building.add>[0]['write']>[0]) {
      topology.add({ kind: 'processor', name, parents: [flow.node.name], make })
      for (const store of stores)
        if (typeof store === 'string') topology.connectProcessorAndStateStores(name, store)
        else topology.addStateStore(store, name)
    },
  }
}

function functionProcessor<K, V, KOut, VOut>(
  process: (record: StreamRecord<K, V>, context: ProcessorContext<KOut, VOut>) => Done,
): Processor<K, V, KOut, VOut> {
  let context: ProcessorContext<KOut, VOut>
  return {
    init: given => {
      context = given
    },
    process: record => process(record, context),
  }
}

function keyKeeping<K, V, VOut>(inner: FixedKeyProcessor<K, V, VOut>): Processor<K, V, K, VOut> {
  let current: StreamRecord<K, V> | undefined
  return {
    init(context) {
      const forward: FixedKeyProcessorContext<K, VOut>['forward'] = ({ value, timestamp, headers }) =>
        context.forward({
          key: current!.key,
          value,
          timestamp: timestamp ?? current!.timestamp,
          headers: headers ?? current!.headers,
        })
      inner.init?.(Object.create(context, { forward: { value: forward } }) as FixedKeyProcessorContext<K, VOut>)
    },
    process(record) {
      current = record
      return inner.process(record)
    },
    close: () => inner.close?.(),
  }
}
