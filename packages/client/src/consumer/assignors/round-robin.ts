/** Round-robin: all partitions of all topics in order, dealt out to the members in turn; a member that does not want a topic is passed over. */
import type { Assignments, Assignor, GroupView } from './assignor.ts'
import { allPartitions, emptyAssignments, inStableOrder } from './group-view.ts'

export const roundRobin: Assignor = { name: 'roundrobin', protocol: 'eager', assign: dealOut }

function dealOut(group: GroupView): Assignments {
  const assignments = emptyAssignments(group)
  const members = inStableOrder(group.members)
  let turn = 0
  for (const at of allPartitions(group)) {
    while (!members[turn % members.length]!.topics.includes(at.topic)) turn++
    assignments.get(members[turn++ % members.length]!.memberId)!.partitions.push(at)
  }
  return assignments
}
