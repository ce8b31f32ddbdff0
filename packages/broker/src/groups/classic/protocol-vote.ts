import assert from 'node:assert/strict'
import type { Group, Member, Protocol } from './group.ts'

/** Whether a member with these protocols can be in the group: its kind fits, and one assignor is known to everybody. */
export function fits(
  group: Pick<Group, 'state' | 'protocolType' | 'members'>,
  protocolType: string,
  protocols: readonly Protocol[],
): boolean {
  if (protocolType === '' || protocols.length === 0) return false
  if (group.state === 'Empty' || group.members.size === 0) return true
  if (protocolType !== group.protocolType) return false
  return protocols.some(({ name }) => everyoneKnows(group.members, name))
}

/** Each member votes for the first assignor on its list that everybody knows; most votes win, the earlier vote decides a draw. */
export function chooseProtocol(members: ReadonlyMap<string, Member>): string {
  const votes = new Map<string, number>()
  const names = new Set([...members.values()].flatMap(({ protocols }) => protocols.map(({ name }) => name)))
  const common = new Set([...names].filter(name => everyoneKnows(members, name)))
  for (const { protocols } of members.values()) {
    const favourite = protocols.find(protocol => common.has(protocol.name))
    assert(favourite !== undefined, 'a member was let in that has no assignor in common with the others')
    votes.set(favourite.name, (votes.get(favourite.name) ?? 0) + 1)
  }
  let winner: string | null = null
  for (const [name, count] of votes) if (winner === null || count > votes.get(winner)!) winner = name
  assert(winner !== null, 'nobody voted')
  return winner
}

function everyoneKnows(members: ReadonlyMap<string, Member>, name: string): boolean {
  for (const { protocols } of members.values()) if (!protocols.some(protocol => protocol.name === name)) return false
  return true
}

/** Nothing the member says has changed. */
export function saysTheSame(member: Member, protocols: readonly Protocol[]): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every((mine, i) => {
      const theirs = protocols[i]!
      return mine.name === theirs.name && Buffer.compare(mine.metadata, theirs.metadata) === 0
    })
  )
}
