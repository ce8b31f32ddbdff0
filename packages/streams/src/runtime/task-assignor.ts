import type { Assignments, Assignor, GroupMember, GroupView, TopicPartition } from '@odradek/client'

/** What a task reads: the same partition of each source topic of its sub-topology that has so many. */
export interface TaskInput {
  readonly taskId: string
  readonly subtopology: number
  readonly partition: number
  readonly inputs: readonly TopicPartition[]
}

/**
 * Divides tasks, not partitions, so that what is joined stays together. Sticky: a task stays where its state is as long as the loads
 * differ by at most one. Cooperative (KIP-429): a task that moves is first given up by its owner and handed out in the next round.
 */
export function taskAssignor(tasksOf: (partitionsOf: (topic: string) => number) => TaskInput[]): Assignor {
  return {
    name: 'odradek-streams',
    protocol: 'cooperative',
    assign(group) {
      const tasks = tasksOf(topic => group.partitionsOf(topic))
      return withholdMoving(group, divide(group, tasks))
    },
  }
}

/** Tasks by member id: owners keep theirs, orphans go to the least loaded, then loads are evened out. */
export function divide(group: GroupView, tasks: readonly TaskInput[]): Map<string, TaskInput[]> {
  const shares = new Map<string, TaskInput[]>(
    group.members
      .map(member => member.memberId)
      .sort()
      .map(id => [id, []]),
  )
  const orphans: TaskInput[] = []
  for (const task of tasks) {
    const owner = ownerOf(task, group.members)
    if (owner) shares.get(owner.memberId)!.push(task)
    else orphans.push(task)
  }
  for (const task of orphans) leastLoaded(shares, task.subtopology).push(task)
  for (;;) {
    const least = [...shares.values()].reduce((a, b) => (b.length < a.length ? b : a))
    const most = [...shares.values()].reduce((a, b) => (b.length > a.length ? b : a))
    if (most.length - least.length < 2) return shares
    least.push(mostUneven(most, least))
  }
}

/** Whoever says it owned one of the task's partitions in the youngest generation. */
function ownerOf(task: TaskInput, members: readonly GroupMember[]): GroupMember | undefined {
  const owners = members.filter(member => member.owned.some(at => task.inputs.some(input => isSame(at, input))))
  return owners.sort((a, b) => b.generation - a.generation)[0]
}

/** Fewest tasks; among equals fewest of the same sub-topology, so that one that is costly is spread. */
function leastLoaded(shares: ReadonlyMap<string, TaskInput[]>, subtopology: number): TaskInput[] {
  const alike = (share: TaskInput[]) => share.filter(task => task.subtopology === subtopology).length
  return [...shares.values()].reduce((a, b) =>
    b.length < a.length || (b.length === a.length && alike(b) < alike(a)) ? b : a,
  )
}

/** Takes out the task to move: of the sub-topology whose tasks are divided least evenly between the two. */
function mostUneven(most: TaskInput[], least: readonly TaskInput[]): TaskInput {
  const excess = ({ subtopology }: TaskInput) =>
    most.filter(task => task.subtopology === subtopology).length -
    least.filter(task => task.subtopology === subtopology).length
  const moving = most.reduce((a, b) => (excess(b) >= excess(a) ? b : a))
  most.splice(most.indexOf(moving), 1)
  return moving
}

function withholdMoving(group: GroupView, shares: ReadonlyMap<string, TaskInput[]>): Assignments {
  const isFree = (task: TaskInput, taker: string) =>
    !group.members.some(
      member => member.memberId !== taker && member.owned.some(at => task.inputs.some(input => isSame(at, input))),
    )
  return new Map(
    Array.from(shares, ([memberId, tasks]) => [
      memberId,
      { partitions: tasks.filter(task => isFree(task, memberId)).flatMap(task => [...task.inputs]), userData: null },
    ]),
  )
}

const isSame = (a: TopicPartition, b: TopicPartition) => a.partition === b.partition && a.topic === b.topic
