import { UsageError } from '@odradek/client'
import { type OffsetReset, type TimestampExtractor, userTopic } from '../topology/node-spec.ts'
import type { Building } from './building.ts'
import { type NamedOptions, type Serdes, type StreamFlow, serdesOf } from './flow.ts'
import { onlyBytes } from './only-bytes.ts'
import { mustBeOptions } from './store-option.ts'

export interface SourceOptions {
  /** Milliseconds since the Unix epoch; a negative one drops the record. Default: the record's own timestamp. */
  timestampOf?: TimestampExtractor
  /** Where to begin without a committed offset. Default: the application's. */
  offsetReset?: OffsetReset
}

export function streamSource<K, V>(
  building: Building,
  topics: string | readonly string[] | RegExp,
  options: Serdes<K, V> & NamedOptions & SourceOptions,
): StreamFlow<K, V> {
  mustBeOptions(options)
  const { key, value, timestampOf, offsetReset } = options
  const name = building.names.node('KSTREAM-SOURCE-', options.name)
  const names = typeof topics === 'string' ? [topics] : topics
  if (!(names instanceof RegExp) && names.length === 0)
    throw new UsageError(`Stream '${name}' reads no topic. Name at least one.`)
  const node = building.add({
    name,
    parents: [],
    write: topology =>
      topology.add({
        kind: 'source',
        name,
        topics: names instanceof RegExp ? names : names.map(userTopic),
        key: key ?? onlyBytes,
        value: value ?? onlyBytes,
        timestampOf,
        offsetReset,
      }),
  })
  return { building, node, serdes: serdesOf(key, value), keyChanged: false, sources: new Set([name]) }
}
