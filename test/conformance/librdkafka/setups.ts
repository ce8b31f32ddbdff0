/**
 * What one test needs besides the usual: a setting of the broker, more time, or only some of its parts; or why it cannot
 * run on one machine by itself. Only what needs ZooKeeper, a JVM, fixtures for OIDC or TLS, more replicas than one
 * machine has, or a person is left out, and what Apache Kafka itself fails.
 */
import type { BrokerSetup } from '../broker-process.ts'
import type { BrokerTest } from './catalogue.ts'

const everywhere = {
  // As in the cluster that librdkafka's authors use: their tests of share groups wait for locks to pass.
  'group.share.min.record.lock.duration.ms': '1000',
  // Some tests ask for three replicas, as that cluster has three brokers; they do well with one.
  'odradek.replication.factor.accepted': '3',
}

/** Two members that start together are expected to meet in one generation; Kafka's default sees to that. */
const defaultDelay: BrokerSetup = { settings: { 'group.initial.rebalance.delay.ms': '3000' } }

const setups: Record<string, BrokerSetup> = {
  '0102': defaultDelay,
  '0113': defaultDelay,
  '0118': defaultDelay,
}

export function setupOf(number: string, scenario: BrokerTest['scenario']): BrokerSetup {
  const { nodes = 1, settings = {} } = setups[number] ?? {}
  const create = scenario === 'noautocreate' ? { 'auto.create.topics.enable': 'false' } : {}
  return { nodes, settings: { ...everywhere, ...settings, ...create } }
}

/** Seconds, where a test may take longer than the rest. */
const limits: Record<string, number> = {
  '0103': 600,
  '0113': 900,
  '0150': 300,
  '0170': 600,
  '0171': 600,
  '0172': 600,
  '0173': 600,
  '0174': 600,
  '0175': 600,
  '0176': 600,
  '0177': 600,
  '0178': 600,
  '0179': 600,
  '0180': 600,
  '0181': 600,
  '0184': 600,
  '0185': 600,
}

export const limitOf = (number: string): number => limits[number] ?? 240

const acls = 'sets ACLs with kafka-acls.sh, a program for the JVM that needs an authorizer in the broker'

/** By the name of the test: why it is not run. */
const skips: Record<string, string> = {
  '0028_long_topicnames': 'its authors do not run it: asks for a topic name of 255 characters, where Kafka allows 249',
  '0047_partial_buf_tmout': 'its authors do not run it: fills the queue of its own producer',
  '0101_fetch_from_follower': 'fetches from followers: needs several replicas of a partition',
  '0109_auto_create_topics': acls,
  '0115_producer_auth': acls,
  '0119_consumer_auth': acls,
  '0190_share_consumer_telemetry': 'for a person: needs a telemetry collector and a look at what it received',
  '8000_idle': 'for a person: idles until it is stopped',
  '8001_fetch_from_follower_mock_manual': 'for a person, with a mock cluster',
}

/** Programs of Kafka's Java client take part in these. */
const needsJava = new Set(['0098_consumer_txn', '0113_cooperative_rebalance'])

const whole =
  'Apache Kafka 4.3.1 fails it, too, in the same words: it expects to be told of whole assignments, where the protocol tells what is new'

/** With the consumer protocol. */
const consumerSkips: Record<string, string> = {
  '0045_resubscribe_with_regex':
    'Apache Kafka 4.3.1 fails it, too, in the same words: it expects a name to be assigned before the topics of a pattern',
  '0045_subscribe_many_updates':
    'Apache Kafka 4.3.1 fails it, too, in the same words: the client joins with what it owned before, an invalid request',
  '0045_subscribe_update_non_exist_and_partchange': whole,
  '0045_subscribe_update_topic_remove': whole,
}

export function skipReason(name: string, protocol: 'classic' | 'consumer', hasJava: boolean): string | undefined {
  if (!hasJava && needsJava.has(name)) return 'needs a JVM, and Maven: a Java client takes part'
  return skips[name] ?? (protocol === 'consumer' ? consumerSkips[name] : undefined)
}

export interface Parts {
  /** What selects them: names of functions in the test. Each is run by itself. */
  readonly run: readonly string[]
  readonly remark: string
}

/** Tests of which some parts cannot run: the parts that can. */
const partly: Record<string, Parts> = {
  '0081_admin': {
    run: [
      'do_test_unclean_destroy',
      'do_test_CreateTopics',
      'do_test_DeleteTopics',
      'do_test_CreatePartitions',
      'do_test_AlterConfigs',
      'do_test_IncrementalAlterConfigs',
      'do_test_DescribeConfigs',
      'do_test_DeleteRecords',
      'do_test_ListConsumerGroups',
      'do_test_DescribeConsumerGroups',
      'do_test_DescribeTopics',
      'do_test_DescribeCluster',
      'do_test_DeleteGroups',
      'do_test_DeleteConsumerGroupOffsets',
      'do_test_ListOffsets',
      'do_test_AlterConsumerGroupOffsets',
      'do_test_ListConsumerGroupOffsets',
    ],
    remark: 'without its parts on ACLs and SCRAM users, which need an authorizer and SASL',
  },
}

export const partsOf = (name: string): Parts | undefined => partly[name]
