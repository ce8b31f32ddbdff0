import type { LogConfig } from '@odradek/log'
import { type BrokerConfig, ConfigSources, isBrokerSetting, type Synonym } from './broker-config.ts'
import { formatDefault, parseSetting, type Setting, type ValueOf } from './setting.ts'
import { type TopicSettingName, topicSettings } from './topic-settings.ts'

type Overrides = Readonly<Record<string, string>>
type TopicSetting = Setting & { broker?: Readonly<Record<string, number>> }

/** Every setting of a topic with the value in force: its own, or the broker's default for it, or Kafka's. */
export type TopicConfig = { readonly [N in TopicSettingName]: ValueOf<(typeof topicSettings)[N]> }

export const isTopicSetting = (name: string): name is TopicSettingName => Object.hasOwn(topicSettings, name)

export function resolveTopicConfig(overrides: Overrides, broker: BrokerConfig): TopicConfig {
  const entries = Object.keys(topicSettings).map(name => {
    const text = topicSynonyms(name as TopicSettingName, overrides, broker)[0]!.value
    const parsed = parseSetting(name, topicSettings[name as TopicSettingName], text ?? '')
    return [name, 'value' in parsed ? parsed.value : topicSettings[name as TopicSettingName].default]
  })
  return Object.fromEntries(entries)
}

/** Every value a topic's setting was given, the one in force first, Kafka's default last. Values are in the topic's units. */
export function topicSynonyms(name: TopicSettingName, overrides: Overrides, broker: BrokerConfig): Synonym[] {
  const setting: TopicSetting = topicSettings[name]
  const found: Synonym[] = []
  if (Object.hasOwn(overrides, name)) found.push({ name, value: overrides[name]!, source: ConfigSources.TOPIC })
  for (const [brokerName, units] of Object.entries(setting.broker ?? {})) {
    if (!isBrokerSetting(brokerName)) continue
    const given = broker.synonyms(brokerName).filter(synonym => synonym.value !== null)
    for (const { value, source } of given) found.push({ name: brokerName, value: scaled(value!, units), source })
  }
  // A value given in coarser units (hours) still goes before a default in finer ones (ms).
  found.sort((a, b) => Number(a.source === ConfigSources.DEFAULT) - Number(b.source === ConfigSources.DEFAULT))
  if (found.length === 0) found.push({ name, value: formatDefault(setting), source: ConfigSources.DEFAULT })
  return found
}

function scaled(value: string, units: number): string {
  return units === 1 || value.startsWith('-') ? value : String(Number(value) * units)
}

/** What is wrong with a topic's overrides, in one sentence, or undefined. */
export function wrongTopicConfig(overrides: Overrides): string | undefined {
  for (const [name, text] of Object.entries(overrides)) {
    if (!isTopicSetting(name)) return `Unknown topic config name: ${name}`
    const parsed = parseSetting(name, topicSettings[name], text)
    if ('wrong' in parsed) return parsed.wrong
  }
  const least = overrides['min.compaction.lag.ms']
  const most = overrides['max.compaction.lag.ms']
  if (least !== undefined && most !== undefined && Number(least) > Number(most)) {
    return `conflict: min.compaction.lag.ms (${least}) must not be larger than max.compaction.lag.ms (${most}).`
  }
  return undefined
}

/** The part of a topic's settings its log acts on. */
export function logConfigOf(config: TopicConfig): LogConfig {
  return {
    cleanupPolicy: config['cleanup.policy'] as LogConfig['cleanupPolicy'],
    retentionMs: config['retention.ms'],
    retentionBytes: config['retention.bytes'],
    segmentBytes: config['segment.bytes'],
    segmentMs: config['segment.ms'],
    indexIntervalBytes: config['index.interval.bytes'],
    maxMessageBytes: config['max.message.bytes'],
    messageTimestampType: config['message.timestamp.type'] as LogConfig['messageTimestampType'],
    fileDeleteDelayMs: config['file.delete.delay.ms'],
  }
}
