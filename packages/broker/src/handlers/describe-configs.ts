import { DescribeConfigs, ErrorCodes, ProtocolError, type Request, type ResponseInput } from '@odradek/protocol'
import { type ConfigResource, overridesOf, resourceOf } from '../config/config-resource.ts'
import {
  type DescribedSetting,
  describedBrokerConfig,
  describedGroupConfig,
  describedTopicConfig,
} from '../config/described-config.ts'
import type { BrokerServices, Handler } from '../handler.ts'
import { Refusal } from '../refusal.ts'

type Asked = Request<typeof DescribeConfigs>['resources'][number]
type Answer = ResponseInput<typeof DescribeConfigs>['results'][number]

/** Every setting of topics and nodes, with where its value comes from. */
export const describeConfigs: Handler<typeof DescribeConfigs> = {
  api: DescribeConfigs,
  handle(request, { broker }) {
    return { results: request.resources.map(asked => described(asked, request, broker)) }
  },
}

function described(asked: Asked, request: Request<typeof DescribeConfigs>, broker: BrokerServices): Answer {
  const { resourceType, resourceName, configurationKeys } = asked
  try {
    const resource = resourceOf(asked, broker)
    const all = settingsOf(resource, broker)
    // An empty list of names asks for all of them, too: librdkafka sends it so.
    const wanted = configurationKeys?.length ? all.filter(({ name }) => configurationKeys.includes(name)) : all
    const configs = wanted.map(setting => ({
      ...setting,
      synonyms: request.includeSynonyms ? setting.synonyms : [],
      documentation: request.includeDocumentation ? setting.documentation : null,
    }))
    return { errorCode: ErrorCodes.NONE, errorMessage: null, resourceType, resourceName, configs }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const errorMessage = error instanceof Refusal ? error.sentence : error.message
    return { errorCode: error.errorCode, errorMessage, resourceType, resourceName, configs: [] }
  }
}

function settingsOf(resource: ConfigResource, broker: BrokerServices): DescribedSetting[] {
  if (resource.kind === 'broker') return describedBrokerConfig(resource.node, broker.config)
  const describe = resource.kind === 'topic' ? describedTopicConfig : describedGroupConfig
  return describe(overridesOf(resource, broker), broker.config)
}
