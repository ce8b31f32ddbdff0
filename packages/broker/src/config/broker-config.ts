import { UsageError } from '@odradek/protocol'
import { type BrokerSettingName, brokerSettings } from './broker-settings.ts'
import { formatDefault, formatSetting, parseSetting, type Setting, type SettingValue, type ValueOf } from './setting.ts'
import { topicSettings } from './topic-settings.ts'

/** Where a setting's value comes from; the numbers are DescribeConfigs'. */
export const ConfigSources = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  GROUP: 8,
} as const
export type ConfigSource = (typeof ConfigSources)[keyof typeof ConfigSources]

/** One of the values a setting was given, e.g. `log.retention.hours` behind `retention.ms`. Most specific first. */
export interface Synonym {
  name: string
  value: string | null
  source: ConfigSource
}

/**
 * The broker's settings as they are now: dynamic ones of this node, over dynamic ones of the cluster, over those it was started with,
 * over the defaults.
 */
export class BrokerConfig {
  readonly #given = new Map<BrokerSettingName, SettingValue>()
  #dynamicDefault = new Map<string, SettingValue>()
  #dynamicOfNode = new Map<string, Map<string, SettingValue>>()
  readonly #node: string
  readonly #changed = new Set<() => void>()

  /** Throws UsageError for a name or value it does not know. */
  constructor(given: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(given)) {
      if (!isBrokerSetting(name)) throw new UsageError(unknownName(name))
      const parsed = parseSetting(name, brokerSettings[name], text)
      if ('wrong' in parsed) throw new UsageError(parsed.wrong)
      this.#given.set(name, parsed.value)
    }
    this.#node = String(this.get('node.id'))
  }

  get<N extends BrokerSettingName>(name: N): ValueOf<(typeof brokerSettings)[N]> {
    const dynamic = this.#dynamicOfNode.get(this.#node)?.get(name) ?? this.#dynamicDefault.get(name)
    return (dynamic ?? this.#given.get(name) ?? brokerSettings[name].default) as never
  }

  /** Whether anybody said something about it. */
  isSet(name: BrokerSettingName): boolean {
    return this.synonyms(name)[0]!.source !== ConfigSources.DEFAULT
  }

  /** Every value it was given, the one in force first, its default last. */
  synonyms(name: BrokerSettingName, node: string = this.#node): Synonym[] {
    const setting: Setting = brokerSettings[name]
    const layers = [
      [ConfigSources.DYNAMIC_BROKER, this.#dynamicOfNode.get(node)?.get(name)],
      [ConfigSources.DYNAMIC_DEFAULT_BROKER, this.#dynamicDefault.get(name)],
      [ConfigSources.STATIC_BROKER, this.#given.get(name)],
    ] as const
    const found: Synonym[] = []
    for (const [source, value] of layers) {
      if (value !== undefined) found.push({ name, value: formatSetting(setting, value), source })
    }
    found.push({ name, value: formatDefault(setting), source: ConfigSources.DEFAULT })
    return found
  }

  /** Takes the dynamic settings of a node (or of all, under ''), which were checked before they were stored. */
  setDynamic(node: string, overrides: Readonly<Record<string, string>>): void {
    const values = new Map<string, SettingValue>()
    for (const [name, text] of Object.entries(overrides)) {
      if (!isBrokerSetting(name)) continue
      const parsed = parseSetting(name, brokerSettings[name], text)
      if ('value' in parsed) values.set(name, parsed.value)
    }
    if (node === '') this.#dynamicDefault = values
    else this.#dynamicOfNode.set(node, values)
    for (const changed of this.#changed) changed()
  }

  onChange(changed: () => void): void {
    this.#changed.add(changed)
  }
}

export function isBrokerSetting(name: string): name is BrokerSettingName {
  return Object.hasOwn(brokerSettings, name)
}

function unknownName(name: string): string {
  const topicTable: Readonly<Record<string, { readonly doc: string; readonly broker?: object }>> = topicSettings
  const brokerNames = Object.hasOwn(topicTable, name) ? Object.keys(topicTable[name]!.broker ?? {}) : []
  if (brokerNames.length > 0)
    return `${name} is a setting of topics; the broker's default for it is called ${brokerNames[0]}.`
  const near = closest(name, Object.keys(brokerSettings))
  return `There is no broker setting ${name}${near ? `; did you mean ${near}?` : '.'}`
}

/** The known name with the fewest edits, when they are few. */
function closest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map(candidate => ({ candidate, edits: editDistance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits)
  return best && best.edits <= Math.max(2, name.length / 4) ? best.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
