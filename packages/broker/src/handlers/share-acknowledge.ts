import { ErrorCodes, ShareAcknowledge } from '@odradek/protocol'
import type { Handler } from '../handler.ts'
import { Refusal } from '../refusal.ts'
import { SessionEpochs } from '../share-partitions/share-sessions.ts'
import { acknowledgeAll, byTopic, checkedAsk, continuedSession, endpointsFor, leaderHint } from './share-request.ts'

/** What a member of a share group says became of records it has acquired. Answered when that is durable. */
export const shareAcknowledge: Handler<typeof ShareAcknowledge> = {
  api: ShareAcknowledge,
  async handle(request, context) {
    const ask = checkedAsk(request)
    if (ask.epoch === SessionEpochs.FIRST)
      throw new Refusal(ErrorCodes.INVALID_SHARE_SESSION_EPOCH, 'A share session is not begun with an acknowledgement.')
    const session = continuedSession(ask, context)
    const { sharePartitions } = context.broker
    const answering = acknowledgeAll(ask, request, context)
    if (ask.epoch === SessionEpochs.FINAL) sharePartitions.closeSession(session)
    const results = await answering
    return {
      errorCode: ErrorCodes.NONE,
      acquisitionLockTimeoutMs: sharePartitions.settings(ask.groupId).rules.lockMs,
      responses: byTopic(results, result => ({
        partitionIndex: result.partitionIndex,
        errorCode: result.error,
        errorMessage: result.message,
        currentLeader: leaderHint(result, result.error, context),
      })),
      nodeEndpoints: endpointsFor(
        results.map(({ error }) => error),
        context,
      ),
    }
  },
}
