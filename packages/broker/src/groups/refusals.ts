/** What requests about groups of every kind are refused with, in the same words. */
import { ErrorCodes } from '@odradek/protocol'
import { refuse } from '../refusal.ts'
import type { CoordinatedGroup, GroupTypeName } from './group-types.ts'

/** Why no group of a kind is there; `other`: what its id belongs to. */
export function notThere(groupId: string, kind: GroupTypeName, other: CoordinatedGroup | undefined): string {
  return other ? `Group ${groupId} is not a ${kind} group.` : `Group ${groupId} not found.`
}

export function unknownMember(groupId: string, memberId: string): never {
  refuse(ErrorCodes.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`)
}
