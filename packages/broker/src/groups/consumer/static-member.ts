import type { ConsumerMember } from './consumer-member.ts'
import { memberTombstones } from './consumer-part.ts'
import type { ConsumerTurn } from './consumer-turn.ts'

/** A static member is back under another id, and goes on with what it had. Whoever still uses the old id is unknown. */
export function replaceMember(turn: ConsumerTurn, before: ConsumerMember, id: string): ConsumerMember {
  const { group } = turn
  const target = group.target(before.id)
  const current = { ...before.current, epoch: 0, previousEpoch: 0 }
  for (const tombstone of memberTombstones(group.id, before.id)) turn.writeRecord(tombstone)
  turn.write({ type: 'member', memberId: id, value: before.details })
  turn.write({ type: 'target', memberId: id, value: target })
  turn.write({ type: 'current', memberId: id, value: current })
  turn.noDeadlines(before.id)
  return { id, details: before.details, current }
}
