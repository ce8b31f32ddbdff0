/** Members go: of themselves, or because they fell silent. What they had is free at once. */
import { refreshTopics } from './assigning.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { memberTombstones } from './consumer-part.ts'
import type { ConsumerTurn } from './consumer-turn.ts'
import { becomeClassic, mayBecomeClassic } from './downgrade.ts'

export function fence(turn: ConsumerTurn, members: readonly ConsumerMember[]): void {
  if (members.length === 0) return
  for (const { id } of members) turn.noDeadlines(id)
  if (mayBecomeClassic(turn, members)) {
    becomeClassic(turn, members)
    return
  }
  for (const { id } of members) for (const tombstone of memberTombstones(turn.group.id, id)) turn.writeRecord(tombstone)
  refreshTopics(turn, true)
}
