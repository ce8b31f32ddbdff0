import { type BrokerConfig, ConfigSources, type Synonym } from './broker-config.ts'
import { type BrokerSettingName, brokerSettings } from './broker-settings.ts'
import { groupSynonyms, groupValue } from './group-config.ts'
import { type GroupSettingName, groupSettings } from './group-settings.ts'
import type { Setting } from './setting.ts'
import { topicSynonyms, topicValue } from './topic-config.ts'
import { type TopicSettingName, topicSettings } from './topic-settings.ts'

/** A setting as DescribeConfigs and CreateTopics show it. */
export interface DescribedSetting {
  name: string
  value: string | null
  readOnly: boolean
  configSource: number
  isSensitive: boolean
  synonyms: Synonym[]
  configType: number
  documentation: string
}

const typeNumbers: Readonly<Record<Setting['type'], number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
}

/** Every setting of a topic, with everything its value could come from. */
export function describedTopicConfig(
  overrides: Readonly<Record<string, string>>,
  broker: BrokerConfig,
): DescribedSetting[] {
  return (Object.keys(topicSettings) as TopicSettingName[]).map(name => {
    const value = topicValue(name, overrides, broker)
    return described(name, topicSettings[name], value, topicSynonyms(name, overrides, broker))
  })
}

/** Every setting of a group, of whatever kind it is or will be. */
export function describedGroupConfig(
  overrides: Readonly<Record<string, string>>,
  broker: BrokerConfig,
): DescribedSetting[] {
  return (Object.keys(groupSettings) as GroupSettingName[]).map(name => {
    const value = groupValue(name, overrides, broker)
    return described(name, groupSettings[name], value, groupSynonyms(name, overrides, broker))
  })
}

/** Every setting of a broker node; for '', only those that were set for all nodes at once. */
export function describedBrokerConfig(node: string, broker: BrokerConfig): DescribedSetting[] {
  const all = Object.entries(brokerSettings).map(([name, setting]) => {
    const synonyms = broker.synonyms(name as BrokerSettingName, node)
    const shown =
      node === '' ? synonyms.filter(synonym => synonym.source === ConfigSources.DYNAMIC_DEFAULT_BROKER) : synonyms
    const readOnly = !(setting as Setting).dynamic
    return { shown, row: () => ({ ...described(name, setting, shown[0]!.value, shown), readOnly }) }
  })
  return all.filter(({ shown }) => shown.length > 0).map(({ row }) => row())
}

function described(name: string, setting: Setting, value: string | null, synonyms: Synonym[]): DescribedSetting {
  const isSensitive = setting.type === 'password'
  const shown = isSensitive ? synonyms.map(synonym => ({ ...synonym, value: null })) : synonyms
  return {
    name,
    value: isSensitive ? null : value,
    readOnly: false,
    configSource: shown[0]!.source,
    isSensitive,
    synonyms: shown,
    configType: typeNumbers[setting.type],
    documentation: setting.doc,
  }
}
