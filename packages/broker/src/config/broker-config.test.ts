import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLogConfig } from '@odradek/log'
import { UsageError } from '@odradek/protocol'
import { BrokerConfig } from './broker-config.ts'
import { brokerSettings } from './broker-settings.ts'
import { formatDefault, parseSetting, type Setting } from './setting.ts'
import { logConfigOf, resolveTopicConfig } from './topic-config.ts'
import { topicSettings } from './topic-settings.ts'

const wrong: Record<string, { config: Record<string, string>; says: RegExp }> = {
  'a name with a slip': {
    config: { 'num.partition': '1' },
    says: /no broker setting num\.partition; did you mean num\.partitions\?/,
  },
  'a topic setting': {
    config: { 'retention.ms': '1' },
    says: /setting of topics; the broker's default for it is called log\.retention\.ms/,
  },
  'a word for a number': { config: { 'num.partitions': 'four' }, says: /write a whole number/ },
  'a fraction for a whole number': { config: { 'num.partitions': '1.5' }, says: /write a whole number/ },
  'too small a number': { config: { 'num.partitions': '0' }, says: /write at least 1/ },
  'out of range': { config: { 'compression.gzip.level': '12' }, says: /from -1 to 9/ },
  'neither true nor false': { config: { 'auto.create.topics.enable': 'yes' }, says: /write true or false/ },
  'not one of the words': { config: { 'compression.type': 'brotli' }, says: /write one of uncompressed, zstd/ },
  'a stray item': { config: { 'log.cleanup.policy': 'delete,shrink' }, says: /write any of delete, compact/ },
}

test('a setting that cannot be is refused in one sentence that says what to write', () => {
  for (const [name, { config, says }] of Object.entries(wrong)) {
    assert.throws(
      () => new BrokerConfig(config),
      error => error instanceof UsageError && says.test(error.message),
      name,
    )
  }
})

test('the default of every setting is a value that it accepts', () => {
  const all: [string, Setting][] = [...Object.entries(brokerSettings), ...Object.entries(topicSettings)]
  for (const [name, setting] of all) {
    const text = formatDefault(setting)
    if (text !== null) assert.ok('value' in parseSetting(name, setting, text), name)
  }
})

test('every broker setting that a topic falls back to exists', () => {
  const topics: Record<string, { readonly doc: string; readonly broker?: Readonly<Record<string, number>> }> =
    topicSettings
  for (const { broker = {} } of Object.values(topics)) {
    for (const name of Object.keys(broker)) assert.ok(Object.hasOwn(brokerSettings, name), name)
  }
})

test('milliseconds win over minutes, and minutes over hours', () => {
  const retention = (config: Record<string, string>) => resolveTopicConfig({}, new BrokerConfig(config))['retention.ms']
  assert.equal(retention({}), 604_800_000)
  assert.equal(retention({ 'log.retention.hours': '2' }), 7_200_000)
  assert.equal(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }), 180_000)
  assert.equal(retention({ 'log.retention.hours': '2', 'log.retention.ms': '4' }), 4)
  assert.equal(retention({ 'log.retention.hours': '-1' }), -1)
})

test('a log’s defaults are the settings of a topic for which nothing was set', () => {
  assert.deepEqual(logConfigOf(resolveTopicConfig({}, new BrokerConfig())), defaultLogConfig)
})
