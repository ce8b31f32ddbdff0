/**
 * Range: topic by topic, the members that want it stand in order and each takes a run of consecutive partitions; the first ones take
 * one more when it does not divide evenly. Topics with equally many partitions end up alike, so that joins find both sides together.
 */
import type { Assignments, Assignor, GroupView } from './assignor.ts'
import { emptyAssignments, inStableOrder, topicsOf } from './group-view.ts'

export const range: Assignor = { name: 'range', protocol: 'eager', assign: assignRanges }

function assignRanges(group: GroupView): Assignments {
  const assignments = emptyAssignments(group)
  for (const topic of topicsOf(group)) {
    const members = inStableOrder(group.members.filter(member => member.topics.includes(topic)))
    const partitions = group.partitionsOf(topic)
    const each = Math.floor(partitions / members.length)
    const withOneMore = partitions % members.length
    let next = 0
    members.forEach((member, i) => {
      const end = next + each + (i < withOneMore ? 1 : 0)
      for (; next < end; next++) assignments.get(member.memberId)!.partitions.push({ topic, partition: next })
    })
  }
  return assignments
}
