import type { Assignments, Assignor, GroupMember, GroupView, TopicPartition } from '@odradek/client'
import {
  type AssignmentData,
  decodeAssignmentData,
  decodeMemberData,
  encodeGroupData,
  type MemberData,
} from './group-data.ts'
import { differenceOf } from './group-topology.ts'
import { leastOf, placeStandbys } from './standby-placement.ts'

/** What a task reads: the same partition of each source topic of its sub-topology that has so many. */
export interface TaskInput {
  readonly taskId: string
  readonly subtopology: number
  readonly partition: number
  readonly inputs: readonly TopicPartition[]
  /** There is something of which a copy could be kept. */
  readonly hasState?: boolean
}

export interface TaskAssignorOptions {
  /** Copies of state. Default 0. */
  readonly numStandbyReplicas?: number
  /** What this instance tells of itself when it joins. */
  own?(): MemberData
  /** What is told with the assignment. */
  onTold?(data: AssignmentData): void
}

/** What a member tells of itself; nothing in tests, and from those that are not ours. */
interface Teller extends MemberData {
  readonly memberId: string
}

/**
 * Divides tasks, not partitions, so that what is joined stays together. Sticky: a task stays where its state is as long as the loads
 * differ by at most one; when its owner has gone it goes to whoever has a copy. Cooperative (KIP-429): a task that moves is first given
 * up by its owner and handed out in the next round.
 */
export function taskAssignor(
  tasksOf: (partitionsOf: (topic: string) => number, topics: readonly string[]) => TaskInput[],
  { numStandbyReplicas = 0, own, onTold }: TaskAssignorOptions = {},
): Assignor {
  return {
    name: 'odradek-streams',
    protocol: 'cooperative',
    ...(own && { userData: () => encodeGroupData(own()) }),
    assign(group) {
      const tellers = group.members.map(tellerOf)
      const strangers = strangersAmong(group.members, tellers)
      const members = group.members.filter(({ memberId }) => !strangers.has(memberId))
      const topics = [...new Set(members.flatMap(member => member.topics))].sort()
      const tasks = tasksOf(topic => group.partitionsOf(topic), topics)
      const shares = divide({ ...group, members, partitionsOf: topic => group.partitionsOf(topic) }, tasks)
      const known = tellers.filter(({ memberId }) => !strangers.has(memberId))
      const standbys = placeStandbys(known, shares, numStandbyReplicas)
      const widths = Object.fromEntries(topics.map(topic => [topic, group.partitionsOf(topic)]))
      const placed = known.map(({ memberId, processId, server }) => ({
        instance: processId,
        server,
        active: shares.get(memberId)!.map(({ taskId }) => taskId),
        standby: standbys.get(memberId)!,
      }))
      const { shutdown } = known.find(member => member.shutdown !== undefined) ?? {}
      const told = (memberId: string): AssignmentData => ({
        standby: standbys.get(memberId) ?? [],
        widths,
        members: placed,
        ...(shutdown !== undefined && { shutdown }),
        ...(strangers.has(memberId) && { refused: strangers.get(memberId)! }),
      })
      const assignments = withholdMoving(group, shares)
      for (const memberId of strangers.keys()) assignments.set(memberId, { partitions: [], userData: null })
      for (const [memberId, assignment] of assignments) assignment.userData = encodeGroupData(told(memberId))
      return assignments
    },
    onAssigned({ userData }) {
      const data = decodeAssignmentData(userData)
      if (data) onTold?.(data)
    },
  }
}

function tellerOf({ memberId, userData }: GroupMember): Teller {
  const data = decodeMemberData(userData) ?? { processId: memberId, server: null, topology: null, state: {} }
  return { memberId, ...data }
}

/** Members whose topology is not that of those who work already: the same group would give them tasks that are not theirs. */
function strangersAmong(members: readonly GroupMember[], tellers: readonly Teller[]): Map<string, string> {
  const strangers = new Map<string, string>()
  const eldest = members
    .filter((_, i) => tellers[i]!.topology !== null)
    .toSorted((a, b) => b.generation - a.generation || b.owned.length - a.owned.length)[0]
  const rule = tellers.find(({ memberId }) => memberId === eldest?.memberId)?.topology
  for (const { memberId, topology } of tellers)
    if (topology !== null && topology !== rule) strangers.set(memberId, differenceOf(rule, topology))
  return strangers
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
  const most = Math.ceil(tasks.length / group.members.length)
  const states = group.members.map(tellerOf)
  for (const task of orphans) {
    const heirs = states.filter(one => one.state[task.taskId] !== undefined && shares.get(one.memberId)!.length < most)
    const heir = leastOf(heirs, one => one.state[task.taskId]!)
    const share = heir ? shares.get(heir.memberId)! : leastLoaded(shares, task.subtopology)
    share.push(task)
  }
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
