/** Processors of the user's own in a stream. One that is named uses up no number, unlike other operators. */
import { UsageError } from '@odradek/client'
import type { Processor, ProcessorContext } from '../processor.ts'
import { type ProcessorSupplier, processorMaker } from '../processors/supplier.ts'
import { userProcessor } from '../processors/user-processor.ts'
import type { Done, StreamRecord } from '../record.ts'
import type { StoreSpec } from '../state/state-store.ts'
import { below, type NamedOptions, type Serdes, type StreamFlow, serdesOf } from './flow.ts'

export type { ProcessorSupplier } from '../processors/supplier.ts'

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
  const name = options.name ?? flow.building.names.node('KSTREAM-PROCESSOR-')
  const make = processorMaker(name, supplier)
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
  const name = options.name ?? flow.building.names.node('KSTREAM-PROCESSVALUES-')
  const make = () => {
    const inner = supplier()
    return userProcessor(name, keyKeeping(inner), inner)
  }
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

function keyKeeping<K, V, VOut>(inner: FixedKeyProcessor<K, V, VOut>): Processor<K, V, K, VOut> {
  let current: StreamRecord<K, V> | undefined
  return {
    init(context) {
      const forward: FixedKeyProcessorContext<K, VOut>['forward'] = ({ value, timestamp, headers }) => {
        if (!current || !context.recordMetadata)
          throw new UsageError(
            'There is no record whose key could be kept in a punctuation: use process, and give a key.',
          )
        return context.forward({
          key: current.key,
          value,
          timestamp: timestamp ?? current.timestamp,
          headers: headers ?? current.headers,
        })
      }
      inner.init?.(Object.create(context, { forward: { value: forward } }) as FixedKeyProcessorContext<K, VOut>)
    },
    process(record) {
      current = record
      return inner.process(record)
    },
    close: () => inner.close?.(),
  }
}
