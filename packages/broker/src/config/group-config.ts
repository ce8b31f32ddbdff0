import { parsedOffsetReset } from '../share-partitions/share-settings.ts'
import { type BrokerConfig, ConfigSources, isBrokerSetting, type Synonym } from './broker-config.ts'
import { type GroupSettingName, groupSettings } from './group-settings.ts'
import { formatDefault, parseSetting, type Setting, type ValueOf } from './setting.ts'

type Overrides = Readonly<Record<string, string>>
type Row = Setting & { readonly broker?: Readonly<Record<string, number>>; readonly bounds?: readonly [string, string] }

export const isGroupSetting = (name: string): name is GroupSettingName => Object.hasOwn(groupSettings, name)

/** A group's setting as it is in force: its own value, or the broker's, or Kafka's default. */
export function groupSetting<N extends GroupSettingName>(
  name: N,
  overrides: Overrides,
  broker: BrokerConfig,
): ValueOf<(typeof groupSettings)[N]> {
  const parsed = parseSetting(name, groupSettings[name], groupValue(name, overrides, broker) ?? '')
  return ('value' in parsed ? parsed.value : groupSettings[name].default) as never
}

/** Every value a group's setting was given, the one in force first, Kafka's default last. */
export function groupSynonyms(name: GroupSettingName, overrides: Overrides, broker: BrokerConfig): Synonym[] {
  const found: Synonym[] = []
  if (Object.hasOwn(overrides, name)) found.push({ name, value: overrides[name]!, source: ConfigSources.GROUP })
  const { broker: fallbacks = {} }: Row = groupSettings[name]
  for (const fallback of Object.keys(fallbacks)) if (isBrokerSetting(fallback)) found.push(...broker.synonyms(fallback))
  if (Object.keys(fallbacks).length === 0)
    found.push({ name, value: formatDefault(groupSettings[name]), source: ConfigSources.DEFAULT })
  return found
}

export const groupValue = (name: GroupSettingName, overrides: Overrides, broker: BrokerConfig): string | null =>
  groupSynonyms(name, overrides, broker)[0]!.value

/** What is wrong with a group's overrides, in one sentence, or undefined. */
export function wrongGroupConfig(overrides: Overrides): string | undefined {
  for (const [name, text] of Object.entries(overrides)) {
    if (!isGroupSetting(name)) return `Unknown group config name: ${name}`
    const parsed = parseSetting(name, groupSettings[name], text)
    if ('wrong' in parsed) return parsed.wrong
    if (name === 'share.auto.offset.reset' && parsedOffsetReset(text) === undefined)
      return `Invalid value ${text} for configuration ${name}: write earliest, latest, or by_duration: with a duration such as PT1H.`
  }
  return undefined
}

/** The same for the bounds that this broker sets. */
export function unboundGroupConfig(overrides: Overrides, broker: BrokerConfig): string | undefined {
  for (const [name, text] of Object.entries(overrides)) {
    const { bounds }: Row = groupSettings[name as GroupSettingName]
    const [min, max] = bounds ?? []
    if (min !== undefined && isBrokerSetting(min) && Number(text) < (broker.get(min) as number))
      return `${name} must be greater than or equal to ${min}`
    if (max !== undefined && isBrokerSetting(max) && Number(text) > (broker.get(max) as number))
      return `${name} must be less than or equal to ${max}`
  }
  return undefined
}
