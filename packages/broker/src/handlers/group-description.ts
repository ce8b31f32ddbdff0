import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { ClusterStore } from '../cluster-store/cluster-store.ts'
import { membershipError } from '../groups/coordination.ts'
import type { GroupTypeName } from '../groups/group-types.ts'
import { notThere } from '../groups/refusals.ts'
import type { WireTopic } from '../groups/topic-partitions.ts'
import type { RequestContext } from '../handler.ts'
import { groupOperations, notAsked } from '../operations.ts'

/** A kind of group `G`, and how one is described. */
interface DescribedKind<G, D> {
  readonly name: GroupTypeName
  find(groupId: string): G | undefined
  described(group: G): D
  /** What is said of a group that cannot be described. */
  blank(groupId: string, errorCode: ErrorCode, errorMessage: string | null): D
}

interface Asked {
  readonly groupIds: readonly string[]
  readonly includeAuthorizedOperations: boolean
}

/** What consumer, share and streams groups are described by: each group for itself, as it is durable. */
export function describeEach<G, D extends { readonly errorCode: number }>(
  kind: DescribedKind<G, D>,
  { groupIds, includeAuthorizedOperations }: Asked,
  context: RequestContext,
): (D & { authorizedOperations: number })[] {
  return groupIds.map(groupId => {
    const group = describe(kind, groupId, context)
    const isAsked = includeAuthorizedOperations && group.errorCode === ErrorCodes.NONE
    return { ...group, authorizedOperations: isAsked ? groupOperations : notAsked }
  })
}

function describe<G, D>(kind: DescribedKind<G, D>, groupId: string, context: RequestContext): D {
  const error = membershipError(groupId, context)
  if (error !== ErrorCodes.NONE) return kind.blank(groupId, error, null)
  const group = kind.find(groupId)
  if (group) return kind.described(group)
  const sentence = notThere(groupId, kind.name, context.broker.groups.find(groupId))
  return kind.blank(groupId, ErrorCodes.GROUP_ID_NOT_FOUND, sentence)
}

/** With the names of topics; those that are gone are left out. */
export function namedTopics(
  topics: readonly Readonly<WireTopic>[],
  cluster: Pick<ClusterStore, 'topicById'>,
): (WireTopic & { topicName: string })[] {
  return topics.flatMap(({ topicId, partitions }) => {
    const topic = cluster.topicById(topicId)
    return topic ? [{ topicId, topicName: topic.name, partitions }] : []
  })
}
