import type { PartitionState } from '@odradek/log'
import { ErrorCodes, ListOffsets, type Request, type ResponseInput } from '@odradek/protocol'
import type { Handler, RequestContext } from '../handler.ts'
import { ledPartition } from '../located.ts'

type Answer = ResponseInput<typeof ListOffsets>
type PartitionAnswer = Answer['topics'][number]['partitions'][number]

/** Timestamps that are none, and the version from which each is understood. */
const latest = -1
const earliest = -2
const largestTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6
const sinceVersion: Readonly<Record<number, number>> = {
  [largestTimestamp]: 7,
  [earliestLocal]: 8,
  [latestTiered]: 9,
  [earliestPendingUpload]: 11,
}

/** The offset of a timestamp, or of one of the special places of a log. A timestamp beyond the last record: offset -1, no error. */
export const listOffsets: Handler<typeof ListOffsets> = {
  api: ListOffsets,
  async handle(request, context) {
    const topics = request.topics.map(async ({ name, partitions }) => {
      return { name, partitions: await Promise.all(partitions.map(asked => answer(request, name, asked, context))) }
    })
    return { topics: await Promise.all(topics) }
  },
}

async function answer(
  request: Request<typeof ListOffsets>,
  name: string,
  asked: Request<typeof ListOffsets>['topics'][number]['partitions'][number],
  context: RequestContext,
): Promise<PartitionAnswer> {
  const { broker, apiVersion } = context
  const { partitionIndex, timestamp, currentLeaderEpoch } = asked
  const topic = broker.cluster.topic(name)
  if (!topic) return { partitionIndex, errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  const partition = ledPartition(context, topic, partitionIndex, currentLeaderEpoch)
  if (typeof partition === 'number') return { partitionIndex, errorCode: partition }
  if (apiVersion < (sinceVersion[timestamp] ?? 0) || timestamp < earliestPendingUpload) {
    return { partitionIndex, errorCode: ErrorCodes.UNSUPPORTED_VERSION }
  }
  if (broker.engine.isOffline(partition.id)) return { partitionIndex, errorCode: ErrorCodes.KAFKA_STORAGE_ERROR }
  const [state] = await broker.engine.state([partition.id])
  if (!state) return { partitionIndex, errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  if (timestamp >= 0 || timestamp === largestTimestamp) {
    const query = { partition: partition.id, timestamp: timestamp === largestTimestamp ? ('max' as const) : timestamp }
    const [found] = await broker.engine.offsetForTime([query])
    return { partitionIndex, errorCode: ErrorCodes.NONE, ...found! }
  }
  const offset = specialOffset(timestamp, state, request.isolationLevel === 1)
  return { partitionIndex, errorCode: ErrorCodes.NONE, offset, leaderEpoch: offset === -1 ? -1 : state.leaderEpoch }
}

function specialOffset(timestamp: number, state: PartitionState, isStable: boolean): number {
  if (timestamp === latest) return isStable ? state.lastStableOffset : state.highWatermark
  if (timestamp === earliest || timestamp === earliestLocal) return state.logStartOffset
  return -1 // Nothing is tiered.
}
