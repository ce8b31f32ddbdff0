import { ErrorCodes, ShareGroupHeartbeat } from '@odradek/protocol'
import { membershipError } from '../groups/coordination.ts'
import { asTopicPartitions } from '../groups/share/share-records.ts'
import type { Handler } from '../handler.ts'
import { Refusal } from '../refusal.ts'

const joining = 0
const leaving = -1
const longestMemberId = 36

/** A member of a share group joins, says that it is there, learns its partitions, or leaves. */
export const shareGroupHeartbeat: Handler<typeof ShareGroupHeartbeat> = {
  api: ShareGroupHeartbeat,
  async handle(request, context) {
    const { groupId, memberId, memberEpoch, rackId, subscribedTopicNames: topics } = request
    if (memberId === '') throw new Refusal(ErrorCodes.INVALID_REQUEST, "MemberId can't be empty.")
    if (groupId === '') throw new Refusal(ErrorCodes.INVALID_REQUEST, "GroupId can't be empty.")
    // As a fetch and an acknowledgement have it.
    if (memberId.length > longestMemberId)
      throw new Refusal(ErrorCodes.INVALID_REQUEST, `MemberId can't be longer than ${longestMemberId} characters.`)
    if (memberEpoch === joining && !topics?.length)
      throw new Refusal(ErrorCodes.INVALID_REQUEST, 'SubscribedTopicNames must be set in first request.')
    if (rackId === '') throw new Refusal(ErrorCodes.INVALID_REQUEST, "RackId can't be empty.")
    const obstacle = membershipError(groupId, context)
    if (obstacle !== ErrorCodes.NONE) return { ...silent, errorCode: obstacle }
    const { shareGroups } = context.broker
    const { clientHost, clientId } = context
    const asked = { groupId, memberId, memberEpoch, rackId, topics, clientId: clientId ?? '', clientHost }
    const { error, message, memberEpoch: epoch, assignment } = await shareGroups.heartbeat(asked)
    if (error !== ErrorCodes.NONE) return { ...silent, errorCode: error, errorMessage: message }
    return {
      errorCode: error,
      memberId,
      memberEpoch: epoch,
      heartbeatIntervalMs: epoch === leaving ? 0 : shareGroups.heartbeatIntervalMs(groupId),
      assignment: assignment && { topicPartitions: asTopicPartitions(assignment) },
    }
  },
}

const silent = { memberEpoch: 0, heartbeatIntervalMs: 0 }
