import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { type Group, type Member, staticMember } from './group.ts'
import type { Identity } from './group-event.ts'

/** The member a request is from, or why it is not: nobody knows it, or its instance id belongs to somebody newer. */
export function identify(group: Pick<Group, 'members'>, { memberId, instanceId }: Identity): Member | ErrorCode {
  if (instanceId !== null) {
    const holder = staticMember(group, instanceId)
    if (holder === undefined) return ErrorCodes.UNKNOWN_MEMBER_ID
    return holder.id === memberId ? holder : ErrorCodes.FENCED_INSTANCE_ID
  }
  return group.members.get(memberId) ?? ErrorCodes.UNKNOWN_MEMBER_ID
}

/** The same, for a request that only counts in the present generation. */
export function identifyInGeneration(
  group: Pick<Group, 'members' | 'generation'>,
  claim: Identity & { generation: number },
): Member | ErrorCode {
  const member = identify(group, claim)
  if (typeof member === 'number') return member
  return claim.generation === group.generation ? member : ErrorCodes.ILLEGAL_GENERATION
}
