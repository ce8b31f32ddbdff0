import type { Cluster } from '@odradek/client'
import {
  ConsumerProtocolSubscription,
  DescribeGroups,
  decodeConsumerProtocol,
  ErrorCodes,
  KafkaError,
  ProtocolError,
  UsageError,
} from '@odradek/protocol'
import { sleep } from '@odradek/world'
import type { StreamsLogger } from '../handlers/handlers.ts'
import { decodeMemberData } from './group-data.ts'

export interface GroupTopologyOptions {
  readonly cluster: Cluster
  readonly applicationId: string
  /** What this instance runs, see `topologyKey`. */
  readonly own: string
  /** How long the group remembers a member that has died. */
  readonly sessionTimeoutMs: number
  readonly logger: StreamsLogger
  readonly stopping: AbortSignal
}

const pauseMs = 1_000

/**
 * Throws when the group runs another topology, before this instance makes topics or disturbs the others. Some of them may have died, and
 * be members only until their sessions end: that is waited for. Two that begin at once are told apart when they have joined.
 */
export async function mustRunTheSame(options: GroupTopologyOptions): Promise<void> {
  const { cluster, applicationId, own, sessionTimeoutMs, logger, stopping } = options
  const { clock } = cluster
  const deadline = clock.monotonic() + sessionTimeoutMs + pauseMs
  for (let isTold = false; ; isTold = true) {
    const running = await topologiesOf(cluster, applicationId)
    const [other] = running
    if (other === undefined || running.includes(own)) return
    const difference = differenceOf(other, own)
    if (clock.monotonic() >= deadline || stopping.aborted) throw otherTopology(applicationId, difference)
    if (!isTold)
      logger.warn(
        { applicationId },
        `The group runs another topology; this one waits for its sessions to end. ${difference}`,
      )
    await sleep(clock, pauseMs, stopping).catch(() => {})
  }
}

/** What members have told when they joined; empty where that cannot be learnt: then the assignment tells. */
async function topologiesOf(cluster: Cluster, group: string): Promise<string[]> {
  try {
    const { members } = await cluster.retrying({ timeoutMs: 5_000 }, () => describedGroup(cluster, group))
    return members.flatMap(({ memberMetadata }) => topologyIn(memberMetadata) ?? [])
  } catch (error) {
    if (error instanceof KafkaError) return []
    throw error
  }
}

async function describedGroup(cluster: Cluster, group: string) {
  const node = await cluster.coordinator('group', group)
  const { groups } = await cluster.call(node, DescribeGroups, { groups: [group] })
  const [found] = groups
  if (found!.errorCode === ErrorCodes.NOT_COORDINATOR) cluster.forgetCoordinator('group', group)
  if (found!.errorCode !== ErrorCodes.NONE) throw new ProtocolError(found!.errorCode, { api: DescribeGroups.name })
  return found!
}

/** Empty bytes while the group rebalances. */
function topologyIn(subscription: Uint8Array): string | undefined {
  if (subscription.length === 0) return undefined
  const { userData } = decodeConsumerProtocol(ConsumerProtocolSubscription, subscription).value
  return decodeMemberData(userData)?.topology ?? undefined
}

export const differenceOf = (theirs: string | null | undefined, own: string): string =>
  `Its members run: ${theirs}. This one runs: ${own}.`

export const otherTopology = (applicationId: string, difference: string): UsageError =>
  new UsageError(
    `The group '${applicationId}' runs another topology: sub-topologies, their topics and their stores differ. ${difference} ` +
      'Give one of the applications another `applicationId`; or, if this is the new release of the same one, stop all instances of the old first.',
  )
