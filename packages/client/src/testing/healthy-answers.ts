/** What a small healthy cluster answers, drawn from the scripted cluster's topics. */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  type AnyApi,
  ApiVersions,
  EndTxn,
  ErrorCodes,
  FindCoordinator,
  InitProducerId,
  Metadata,
  noId,
  Produce,
  type Request,
  type ResponseInput,
  TxnOffsetCommit,
} from '@odradek/protocol'
import type { Handler, ScriptedCluster, ScriptedNode } from './scripted-broker.ts'

export function healthyAnswers(cluster: ScriptedCluster): Map<AnyApi, Handler<AnyApi>> {
  const answers: [AnyApi, Handler<AnyApi>][] = [
    [ApiVersions, (_, { node }) => apiVersions(node)],
    [Metadata, (request: Request<typeof Metadata>) => metadata(cluster, request)],
    [FindCoordinator, (request: Request<typeof FindCoordinator>) => coordinator(cluster, request)],
    [InitProducerId, (request: Request<typeof InitProducerId>) => identify(cluster, request)],
    [AddPartitionsToTxn, (request: Request<typeof AddPartitionsToTxn>) => addPartitions(request)],
    [AddOffsetsToTxn, () => ({ errorCode: 0 })],
    [TxnOffsetCommit, (request: Request<typeof TxnOffsetCommit>) => commitOffsets(request)],
    [EndTxn, (request: Request<typeof EndTxn>) => end(request)],
    [Produce, (request: Request<typeof Produce>) => produce(cluster, request)],
  ]
  return new Map(answers)
}

function apiVersions(node: ScriptedNode): ResponseInput<typeof ApiVersions> {
  const finalizedFeatures = Object.entries(node.features).map(([name, level]) => ({
    name,
    maxVersionLevel: level,
    minVersionLevel: level,
  }))
  return { errorCode: 0, apiKeys: node.ranges, finalizedFeatures, finalizedFeaturesEpoch: 1 }
}

function metadata(cluster: ScriptedCluster, request: Request<typeof Metadata>): ResponseInput<typeof Metadata> {
  const nameOf = (id: string) => [...cluster.topics].find(([, topic]) => topic.topicId === id)?.[0] ?? ''
  const names = request.topics?.map(({ name, topicId }) => name ?? nameOf(topicId)) ?? [...cluster.topics.keys()]
  const topics = names.map(name => {
    const mayCreate = cluster.autoCreate && request.allowAutoTopicCreation
    const topic = cluster.topics.get(name) ?? (mayCreate ? cluster.addTopic(name, 1) : undefined)
    if (!topic) return { errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, name, topicId: noId, partitions: [] }
    const partitions = topic.leaders.map((leaderId, partitionIndex) => {
      const errorCode = leaderId < 0 ? ErrorCodes.LEADER_NOT_AVAILABLE : 0
      return { errorCode, partitionIndex, leaderId, replicaNodes: [leaderId], isrNodes: [leaderId] }
    })
    return { errorCode: 0, name, topicId: topic.topicId, partitions }
  })
  const brokers = cluster.nodes
    .filter(node => node.isUp)
    .map(node => ({ nodeId: node.id, ...node.advertised, rack: null }))
  return { brokers, clusterId: 'scripted', controllerId: brokers[0]?.nodeId ?? -1, topics }
}

function coordinator(
  cluster: ScriptedCluster,
  request: Request<typeof FindCoordinator>,
): ResponseInput<typeof FindCoordinator> {
  const node = cluster.nodes.find(({ isUp }) => isUp)!
  const found = { nodeId: node.id, ...node.advertised, errorCode: 0, errorMessage: null }
  return { ...found, coordinators: request.coordinatorKeys.map(key => ({ key, ...found })) }
}

/** A transactional id keeps its producer id, and its epoch rises. */
function identify(
  cluster: ScriptedCluster,
  { producerId, producerEpoch }: Request<typeof InitProducerId>,
): ResponseInput<typeof InitProducerId> {
  if (producerId >= 0n) return { errorCode: 0, producerId, producerEpoch: producerEpoch + 1 }
  return { errorCode: 0, producerId: cluster.nextProducerId++, producerEpoch: 0 }
}

function addPartitions({
  v3AndBelowTopics: topics,
}: Request<typeof AddPartitionsToTxn>): ResponseInput<typeof AddPartitionsToTxn> {
  const resultsByTopicV3AndBelow = topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: 0 })),
  }))
  return { resultsByTopicV3AndBelow }
}

function commitOffsets({ topics }: Request<typeof TxnOffsetCommit>): ResponseInput<typeof TxnOffsetCommit> {
  const answers = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
  }))
  return { topics: answers }
}

function end({ producerId, producerEpoch }: Request<typeof EndTxn>): ResponseInput<typeof EndTxn> {
  return { errorCode: 0, producerId, producerEpoch: producerEpoch + 1 }
}

function produce(
  cluster: ScriptedCluster,
  request: Request<typeof Produce>,
): ResponseInput<typeof Produce> | 'nothing' {
  const responses = request.topicData.map(({ name, topicId, partitionData }) => {
    const topic = name ? cluster.topics.get(name) : [...cluster.topics.values()].find(t => t.topicId === topicId)
    const partitionResponses = partitionData.map(({ index, records }) => {
      const partition = topic?.partitions[index]
      const appended = partition?.append(records!) ?? {
        errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        baseOffset: -1,
      }
      return { index, ...appended }
    })
    return { name, topicId, partitionResponses }
  })
  return request.acks === 0 ? 'nothing' : { responses }
}
