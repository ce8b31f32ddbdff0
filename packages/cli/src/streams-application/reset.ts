import type { Admin, OffsetMove, ResetTarget } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { unknownApplication } from './applications.ts'
import { internalTopicKind } from './internal-topics.ts'
import type { FileOffset } from './reset-target.ts'

export interface ResetRequest {
  readonly application: string
  /** Whose offsets are moved. */
  readonly inputTopics: readonly string[]
  /** Undefined: every one of the application's own. */
  readonly internalTopics: readonly string[] | undefined
  readonly to: ResetTarget | undefined
  /** In place of `to`. */
  readonly offsets: readonly FileOffset[]
  readonly dryRun: boolean
  /** Takes members out of the group rather than refuse. */
  readonly force: boolean
  readonly signal: AbortSignal
}

export interface ResetResult {
  readonly moves: readonly OffsetMove[]
  readonly deleted: readonly string[]
}

/**
 * Makes an application begin anew: its input offsets are moved, its own topics deleted. Everything is checked before anything is done.
 * The state on the machines of its instances is not within reach: `KafkaStreams.cleanUp()` deletes that.
 */
export async function resetApplication(admin: Admin, request: ResetRequest): Promise<ResetResult> {
  const { application, dryRun, signal } = request
  const topics = await Array.fromAsync(admin.topics.list({ signal }))
  const internal = chooseInternal(
    topics.map(({ name }) => name),
    request,
  )
  mustExist(request, new Set(topics.map(({ name }) => name)))
  const hasTopics = topics.some(({ name }) => internalTopicKind(name, application) !== undefined)
  await mustBeStopped(admin, request, hasTopics)
  const moves = [...(await moveAll(admin, request)), ...(await moveEach(admin, request))]
  if (!dryRun && internal.length > 0) await admin.topics.delete(internal, { signal })
  if (moves.length === 0 && internal.length === 0)
    throw new UsageError(
      `There is nothing to reset: '${application}' has no topics of its own, and no --input-topics are named.`,
    )
  return { moves, deleted: internal }
}

function chooseInternal(topics: readonly string[], { application, internalTopics }: ResetRequest): string[] {
  const own = topics.filter(topic => internalTopicKind(topic, application) !== undefined)
  if (internalTopics === undefined) return own
  const strangers = internalTopics.filter(topic => !own.includes(topic))
  if (strangers.length > 0)
    throw new UsageError(
      `${strangers.join(', ')}: no internal topic of '${application}'. It has: ${own.join(', ') || 'none'}.`,
    )
  return [...internalTopics]
}

function mustExist({ inputTopics, offsets }: ResetRequest, known: ReadonlySet<string>): void {
  const missing = [...inputTopics, ...offsets.map(({ topic }) => topic)].filter(topic => !known.has(topic))
  if (missing.length > 0)
    throw new UsageError(`There is no topic ${missing.map(name => `'${name}'`).join(', ')}. Nothing was changed.`)
}

/** A group that there is not comes into being with its first offset: a name that is misspelt must not make one. */
async function mustBeStopped(
  admin: Admin,
  { application, force, dryRun, signal }: ResetRequest,
  hasTopics: boolean,
): Promise<void> {
  const { members, state } = await admin.groups.describe(application, { signal })
  if (state === 'Dead' && !hasTopics) throw await unknownApplication(admin, application, signal)
  if (members.length === 0) return
  if (force && !dryRun) {
    const named = members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId }))
    return admin.groups.removeMembers(application, named, { signal })
  }
  if (!force)
    throw new UsageError(
      `'${application}' has ${members.length} active ${members.length === 1 ? 'member' : 'members'}. Stop every instance first, and wait for the ` +
        'session timeout if one did not leave; or take them out with --force, when they hang.',
    )
}

async function moveAll(admin: Admin, { application, inputTopics, to, dryRun, signal }: ResetRequest) {
  const moves: OffsetMove[] = []
  if (to === undefined) return moves
  for (const topic of inputTopics)
    moves.push(...(await admin.groups.resetOffsets(application, { topic, to }, { dryRun, signal })))
  return moves
}

async function moveEach(admin: Admin, { application, offsets, dryRun, signal }: ResetRequest) {
  const moves: OffsetMove[] = []
  for (const { topic, partition, offset } of offsets) {
    const what = { topic, partitions: [partition], to: { offset } }
    moves.push(...(await admin.groups.resetOffsets(application, what, { dryRun, signal })))
  }
  return moves
}
