import type { LogConfig } from '@odradek/log'
import { type BrokerConfig, ConfigSources, isBrokerSetting, type Synonym } from './broker-config.ts'
import { formatDefault, parseSetting, type ValueOf } from './setting.ts'
import { type TopicSettingName, topicSettings } from './topic-settings.ts'

type Overrides = Readonly<Record<string, string>>

/** Every setting of a topic with the value in force: its own, or the broker's default for it, or Kafka's. */
export type TopicConfig = { readonly [N in TopicSettingName]: ValueOf<(typeof topicSettings)[N]> }

export const isTopicSetting = (name: string): name is TopicSettingName => Object.hasOwn(topicSettings, name)

export function resolveTopicConfig(overrides: Overrides, broker: BrokerConfig): TopicConfig {
  const entries = Object.keys(topicSettings).map(name => {
    const text = topicValue(name as TopicSettingName, overrides, broker)
    const parsed = parseSetting(name, topicSettings[name as TopicSettingName], text ?? '')
    return [name, 'value' in parsed ? parsed.value : topicSettings[name as TopicSettingName].default]
  })
  return Object.fromEntries(entries)
}

/** Every value a topic's setting was given, the one in force first, Kafka's default last; each in the units of its own name. */
export function topicSynonyms(name: TopicSettingName, overrides: Overrides, broker: BrokerConfig): Synonym[] {
  const found: Synonym[] = []
  if (Object.hasOwn(overrides, name)) found.push({ name, value: overrides[name]!, source: ConfigSources.TOPIC })
  for (const brokerName of Object.keys(fallbacks(name))) {
    if (isBrokerSetting(brokerName))
      found.push(...broker.synonyms(brokerName).filter(synonym => synonym.value !== null))
  }
  // A value given in coarser units (hours) still goes before a default in finer ones (ms).
  found.sort((a, b) => Number(a.source === ConfigSources.DEFAULT) - Number(b.source === ConfigSources.DEFAULT))
  if (found.length === 0) found.push({ name, value: formatDefault(topicSettings[name]), source: ConfigSources.DEFAULT })
  return found
}

/** The value in force, as text, in the topic's units. */
export function topicValue(name: TopicSettingName, overrides: Overrides, broker: BrokerConfig): string | null {
  const [{ name: given, value }] = topicSynonyms(name, overrides, broker) as [Synonym]
  const units = given === name ? 1 : (fallbacks(name)[given] ?? 1)
  return units === 1 || value === null || value.startsWith('-') ? value : String(Number(value) * units)
}

/** The broker settings a topic's setting falls back to, and how many of its units one of theirs is. */
function fallbacks(name: TopicSettingName): Readonly<Record<string, number>> {
  const setting: { readonly doc: string; readonly broker?: Readonly<Record<string, number>> } = topicSettings[name]
  return setting.broker ?? {}
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
  // Only what is in a closed segment can be compacted.
  const isCompacted = config['cleanup.policy'].includes('compact')
  return {
    cleanupPolicy: config['cleanup.policy'] as LogConfig['cleanupPolicy'],
    retentionMs: config['retention.ms'],
    retentionBytes: config['retention.bytes'],
    segmentBytes: config['segment.bytes'],
    segmentMs: isCompacted ? Math.min(config['segment.ms'], config['max.compaction.lag.ms']) : config['segment.ms'],
    indexIntervalBytes: config['index.interval.bytes'],
    maxMessageBytes: config['max.message.bytes'],
    messageTimestampType: config['message.timestamp.type'] as LogConfig['messageTimestampType'],
    fileDeleteDelayMs: config['file.delete.delay.ms'],
    minCleanableDirtyRatio: config['min.cleanable.dirty.ratio'],
    minCompactionLagMs: config['min.compaction.lag.ms'],
    maxCompactionLagMs: config['max.compaction.lag.ms'],
    deleteRetentionMs: config['delete.retention.ms'],
  }
}
