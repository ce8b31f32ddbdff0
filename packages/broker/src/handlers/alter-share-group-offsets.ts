import {
  AlterShareGroupOffsets,
  type ErrorCode,
  ErrorCodes,
  errorByCode,
  noId,
  type Request,
  type ResponseInput,
} from '@odradek/protocol'
import { membershipError } from '../groups/coordination.ts'
import type { Handler, RequestContext } from '../handler.ts'
import { Refusal } from '../refusal.ts'

type AskedTopic = Request<typeof AlterShareGroupOffsets>['topics'][number]
type Answer = ResponseInput<typeof AlterShareGroupOffsets>['responses'][number]

/** Lets a share group without members begin anew, where one says. A group that does not exist is made. */
export const alterShareGroupOffsets: Handler<typeof AlterShareGroupOffsets> = {
  api: AlterShareGroupOffsets,
  async handle({ groupId, topics }, context) {
    const { shareGroups } = context.broker
    let refused = emptyGroupError(groupId, context)
    if (refused === ErrorCodes.GROUP_ID_NOT_FOUND) refused = await shareGroups.make(groupId)
    if (refused !== ErrorCodes.NONE) throw new Refusal(refused, sentenceFor(refused, groupId))
    return {
      errorCode: ErrorCodes.NONE,
      responses: await Promise.all(topics.map(topic => altered(groupId, topic, context))),
    }
  },
}

/** Why the progress of a share group cannot be set by hand now. */
export function emptyGroupError(groupId: string, context: RequestContext): ErrorCode {
  const obstacle = membershipError(groupId, context)
  if (obstacle !== ErrorCodes.NONE) return obstacle
  const group = context.broker.shareGroups.group(groupId)
  if (!group) return ErrorCodes.GROUP_ID_NOT_FOUND
  return group.members.size > 0 ? ErrorCodes.NON_EMPTY_GROUP : ErrorCodes.NONE
}

export function sentenceFor(error: ErrorCode, groupId: string): string {
  if (error === ErrorCodes.GROUP_ID_NOT_FOUND) return `Share group ${groupId} not found.`
  if (error === ErrorCodes.NON_EMPTY_GROUP) return `Share group ${groupId} is not empty.`
  return errorByCode(error).message
}

async function altered(
  groupId: string,
  { topicName, partitions }: AskedTopic,
  context: RequestContext,
): Promise<Answer> {
  const { cluster, shareGroups, sharePartitions } = context.broker
  const topic = cluster.topic(topicName)
  const rows = partitions.map(async ({ partitionIndex, startOffset }) => {
    const row = (errorCode: ErrorCode) => ({
      partitionIndex,
      errorCode,
      errorMessage: errorCode === ErrorCodes.NONE ? null : errorByCode(errorCode).message,
    })
    if (!topic?.partitions[partitionIndex]) return row(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    const kept = await shareGroups.keep(groupId, topic.id, topicName, [partitionIndex])
    if (kept !== ErrorCodes.NONE) return row(kept)
    const name = { groupId, topicId: topic.id, index: partitionIndex }
    return row(await sharePartitions.setStart(name, startOffset))
  })
  return { topicName, topicId: topic?.id ?? noId, partitions: await Promise.all(rows) }
}
