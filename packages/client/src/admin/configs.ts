/** Settings of topics, brokers and groups. */
import { AlterConfigs, DescribeConfigs, ErrorCodes, IncrementalAlterConfigs, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { noSuchTopic } from './missing.ts'
import { type AdminCallOptions, settleEach } from './settle-each.ts'

/** `{ broker: 'default' }` is what holds for all brokers. */
export type ConfigResource =
  | { readonly topic: string }
  | { readonly broker: number | 'default' }
  | { readonly group: string }

export interface ConfigEntry {
  readonly name: string
  /** Null when it is secret or not set. */
  readonly value: string | null
  readonly source: ConfigSource
  readonly isDefault: boolean
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
  readonly type: string
  readonly documentation: string | null
  /** What the value would be without this one, and without that, … */
  readonly synonyms: readonly { name: string; value: string | null; source: ConfigSource }[]
}

export type ConfigSource = (typeof sources)[number]

export interface ConfigChange {
  readonly set?: Readonly<Record<string, string | number | boolean>>
  /** Back to the default. */
  readonly unset?: readonly string[]
  /** For lists. */
  readonly append?: Readonly<Record<string, string>>
  readonly subtract?: Readonly<Record<string, string>>
}

const sources = [
  'unknown',
  'topic',
  'broker',
  'cluster',
  'static',
  'default',
  'logger',
  'client-metrics',
  'group',
] as const
const types = ['unknown', 'boolean', 'string', 'int', 'short', 'long', 'double', 'list', 'class', 'password'] as const
const operation = { set: 0, unset: 1, append: 2, subtract: 3 } as const

interface Row {
  readonly errorCode: number
  readonly errorMessage: string | null
}

export class ConfigsAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** All settings, those at their defaults too, by name; or the ones named. */
  async describe(
    resource: ConfigResource,
    options: AdminCallOptions & { readonly names?: readonly string[]; readonly documentation?: boolean } = {},
  ): Promise<ConfigEntry[]> {
    const { names, documentation = false, signal } = options
    const { resourceType, resourceName, target } = addressOf(resource)
    const resources = [{ resourceType, resourceName, configurationKeys: names ?? null }]
    return this.#ask(DescribeConfigs.name, resource, signal, async () => {
      const input = { resources, includeSynonyms: true, includeDocumentation: documentation }
      const { results } = await this.#cluster.call(target, DescribeConfigs, input, { signal })
      const row = results[0]!
      return [row, row.configs.map(entryOf).sort((a, b) => (a.name < b.name ? -1 : 1))]
    })
  }

  /** Changes what is named and leaves the rest. Brokers too old for that get all settings written anew. */
  async alter(
    resource: ConfigResource,
    change: ConfigChange,
    options: AdminCallOptions & { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    const { resourceType, resourceName, target } = addressOf(resource)
    const { signal, validateOnly = false } = options
    await this.#ask(IncrementalAlterConfigs.name, resource, signal, async () => {
      const connection = await this.#cluster.connection(target, 'main', signal)
      if (!connection.speaks(IncrementalAlterConfigs)) return this.#rewrite(resource, change, options)
      const input = { resources: [{ resourceType, resourceName, configs: rowsOf(change) }], validateOnly }
      const { responses } = await connection.call(IncrementalAlterConfigs, input, { signal })
      return [responses[0]!, undefined]
    })
  }

  async #ask<R>(
    api: string,
    resource: ConfigResource,
    signal: AbortSignal | undefined,
    ask: () => Promise<readonly [row: Row, result: R]>,
  ): Promise<R> {
    const topic = 'topic' in resource ? resource.topic : undefined
    const final = [ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION]
    const settled = await settleEach(this.#cluster, [resource], { signal, final }, async () => {
      const [row, result] = await ask()
      if (row.errorCode === 0) return [{ item: resource, result: [result] as const }]
      if (topic !== undefined && row.errorCode === final[0]) return [{ item: resource, error: noSuchTopic(topic) }]
      const error = new ProtocolError(row.errorCode, { api, message: row.errorMessage, ...(topic && { topic }) })
      return [{ item: resource, error }]
    })
    return settled[0]![0]
  }

  async #rewrite(
    resource: ConfigResource,
    change: ConfigChange,
    options: AdminCallOptions & { readonly validateOnly?: boolean },
  ): Promise<readonly [Row, undefined]> {
    const { resourceType, resourceName, target } = addressOf(resource)
    const own = 'topic' in resource ? 'topic' : 'broker'
    const kept = (await this.describe(resource, options)).filter(entry => entry.source === own)
    const after = applied(new Map(kept.map(({ name, value }) => [name, value ?? ''])), change)
    const configs = Array.from(after, ([name, value]) => ({ name, value }))
    const input = { resources: [{ resourceType, resourceName, configs }], validateOnly: options.validateOnly ?? false }
    const { responses } = await this.#cluster.call(target, AlterConfigs, input, { signal: options.signal })
    return [responses[0]!, undefined]
  }
}

function addressOf(resource: ConfigResource): { resourceType: number; resourceName: string; target: number | 'any' } {
  if ('topic' in resource) return { resourceType: 2, resourceName: resource.topic, target: 'any' }
  if ('group' in resource) return { resourceType: 32, resourceName: resource.group, target: 'any' }
  if (resource.broker === 'default') return { resourceType: 4, resourceName: '', target: 'any' }
  return { resourceType: 4, resourceName: String(resource.broker), target: resource.broker }
}

function rowsOf(change: ConfigChange): { name: string; configOperation: number; value: string | null }[] {
  const valued = (rows: Readonly<Record<string, unknown>> = {}, configOperation: number) =>
    Object.entries(rows).map(([name, value]) => ({ name, configOperation, value: String(value) }))
  return [
    ...valued(change.set, operation.set),
    ...(change.unset ?? []).map(name => ({ name, configOperation: operation.unset, value: null })),
    ...valued(change.append, operation.append),
    ...valued(change.subtract, operation.subtract),
  ]
}

/** The settings after a change, as IncrementalAlterConfigs would leave them. */
export function applied(before: ReadonlyMap<string, string>, change: ConfigChange): Map<string, string> {
  const after = new Map(before)
  const items = (name: string) => (after.get(name) ?? '').split(',').filter(Boolean)
  for (const [name, value] of Object.entries(change.set ?? {})) after.set(name, String(value))
  for (const name of change.unset ?? []) after.delete(name)
  for (const [name, value] of Object.entries(change.append ?? {}))
    after.set(name, [...new Set([...items(name), ...value.split(',')])].join())
  for (const [name, value] of Object.entries(change.subtract ?? {})) {
    const gone = value.split(',')
    after.set(
      name,
      items(name)
        .filter(item => !gone.includes(item))
        .join(),
    )
  }
  return after
}

function entryOf(row: {
  name: string
  value: string | null
  readOnly: boolean
  configSource: number
  isSensitive: boolean
  synonyms: { name: string; value: string | null; source: number }[]
  configType: number
  documentation: string | null
}): ConfigEntry {
  const { name, value, readOnly: isReadOnly, isSensitive, documentation } = row
  const source = sources[row.configSource] ?? 'unknown'
  const synonyms = row.synonyms.map(s => ({ name: s.name, value: s.value, source: sources[s.source] ?? 'unknown' }))
  return {
    name,
    value,
    source,
    isDefault: source === 'default',
    isReadOnly,
    isSensitive,
    type: types[row.configType] ?? 'unknown',
    documentation: documentation || null,
    synonyms,
  }
}
