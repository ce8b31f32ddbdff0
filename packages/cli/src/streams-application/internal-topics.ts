/** Topics that a Streams application keeps for itself, by their names (of Kafka Streams', and of Odradek's own). Pure. */

const endings = /-(changelog|repartition|subscription-registration-topic|subscription-response-topic)$/
const generatedForeignKey = /-KTABLE-FK-JOIN-SUBSCRIPTION-(REGISTRATION|RESPONSE)-\d+-topic$/

export type InternalTopicKind = 'changelog' | 'repartition' | 'subscription'

/** Undefined: the topic is not the application's own. */
export function internalTopicKind(topic: string, application: string): InternalTopicKind | undefined {
  if (!topic.startsWith(`${application}-`)) return undefined
  const rest = topic.slice(application.length)
  if (generatedForeignKey.test(rest)) return 'subscription'
  const ending = endings.exec(rest)?.[1]
  if (ending === undefined) return undefined
  return ending === 'changelog' || ending === 'repartition' ? ending : 'subscription'
}
