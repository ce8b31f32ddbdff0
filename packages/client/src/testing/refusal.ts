/** Answers of a scripted broker that refuse what was produced. */
import { Produce, type Request, type ResponseInput } from '@odradek/protocol'
import type { ScriptedCluster } from './scripted-broker.ts'

/** Answers one Produce request with an error for every partition, as if nothing had been appended. */
export function refuseOnce(cluster: ScriptedCluster, errorCode: number): void {
  cluster.once(Produce, request => refusal(request, errorCode))
}

export function refusal(request: Request<typeof Produce>, errorCode: number): ResponseInput<typeof Produce> {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    })),
  }
}
