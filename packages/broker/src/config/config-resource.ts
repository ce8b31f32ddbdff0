import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import type { BrokerServices } from '../handler.ts'
import { Refusal, refusedItem } from '../refusal.ts'
import { wrongTopicName } from '../topic-name.ts'
import type { ConfigKind, Overrides } from './config-change.ts'
import { describedBrokerConfig } from './described-config.ts'
import { groupValue, isGroupSetting, unboundGroupConfig } from './group-config.ts'
import { isTopicSetting, topicValue } from './topic-config.ts'

/** Resource types of the config APIs. */
const TOPIC = 2
const BROKER = 4
const GROUP = 32

export interface ResourceName {
  resourceType: number
  resourceName: string
}

/** Something that has settings: a topic, a node, or ('' as a node) all nodes, or a group, which need not exist. */
export type ConfigResource =
  | { kind: 'topic'; topic: Topic }
  | { kind: 'broker'; node: string }
  | { kind: 'group'; groupId: string }

/** Throws a Refusal for what does not exist or has no settings here. */
export function resourceOf(
  { resourceType, resourceName }: ResourceName,
  { cluster, nodeIds }: BrokerServices,
): ConfigResource {
  if (resourceType === TOPIC) {
    const wrong = wrongTopicName(resourceName)
    if (wrong) throw new Refusal(ErrorCodes.INVALID_TOPIC_EXCEPTION, wrong)
    const topic = cluster.topic(resourceName)
    if (topic) return { kind: 'topic', topic }
    throw new Refusal(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`)
  }
  if (resourceType === BROKER) {
    if (resourceName === '' || nodeIds.some(id => String(id) === resourceName))
      return { kind: 'broker', node: resourceName }
    throw new Refusal(
      ErrorCodes.INVALID_REQUEST,
      `Unexpected broker id, expected one of ${nodeIds.join(', ')} or empty string, but received ${resourceName}`,
    )
  }
  if (resourceType === GROUP) {
    if (resourceName !== '') return { kind: 'group', groupId: resourceName }
    throw new Refusal(ErrorCodes.INVALID_REQUEST, 'Group name must not be empty')
  }
  throw new Refusal(
    ErrorCodes.INVALID_REQUEST,
    `Resources of type ${resourceType} have no settings here; topics (2), brokers (4) and groups (32) do.`,
  )
}

export function overridesOf(resource: ConfigResource, { cluster }: BrokerServices): Overrides {
  if (resource.kind === 'group') return cluster.groupConfig(resource.groupId)
  return resource.kind === 'topic' ? resource.topic.config : cluster.brokerConfig(resource.node)
}

/** The value a setting has now, as text. */
export function valueInForce(resource: ConfigResource, name: string, { config, cluster }: BrokerServices): string {
  if (resource.kind === 'group')
    return (isGroupSetting(name) && groupValue(name, cluster.groupConfig(resource.groupId), config)) || ''
  if (resource.kind === 'topic') return (isTopicSetting(name) && topicValue(name, resource.topic.config, config)) || ''
  return describedBrokerConfig(resource.node, config).find(setting => setting.name === name)?.value ?? ''
}

/** Stores what `change` makes of a resource's settings, and answers in the form both alter APIs share. */
export async function altered(
  asked: ResourceName,
  all: readonly ResourceName[],
  broker: BrokerServices,
  validateOnly: boolean,
  change: (kind: ConfigKind, resource: ConfigResource) => Overrides,
): Promise<ResourceName & { errorCode: ErrorCode; errorMessage: string | null }> {
  const { resourceType, resourceName } = asked
  try {
    const same = all.filter(other => other.resourceType === resourceType && other.resourceName === resourceName)
    if (same.length > 1) throw new Refusal(ErrorCodes.INVALID_REQUEST, 'Each resource must appear at most once.')
    const resource = resourceOf(asked, broker)
    const overrides = change(resource.kind, resource)
    const unbound = resource.kind === 'group' ? unboundGroupConfig(overrides, broker.config) : undefined
    if (unbound) throw new Refusal(ErrorCodes.INVALID_CONFIG, unbound)
    if (!validateOnly) await store(resource, overrides, broker)
    return { resourceType, resourceName, errorCode: ErrorCodes.NONE, errorMessage: null }
  } catch (error) {
    return { resourceType, resourceName, ...refusedItem(error) }
  }
}

async function store(
  resource: ConfigResource,
  overrides: Overrides,
  { topics, cluster, config }: BrokerServices,
): Promise<void> {
  if (resource.kind === 'topic') return topics.setConfig(resource.topic, overrides)
  if (resource.kind === 'group') return cluster.setGroupConfig(resource.groupId, overrides)
  await cluster.setBrokerConfig(resource.node, overrides)
  config.setDynamic(resource.node, overrides)
}
