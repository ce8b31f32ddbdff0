/**
 * Deals the tasks of a topology out among the members of a group. Pure: the same question, the same answer.
 *
 * - Every task is active with exactly one member; no member has two more of them than another.
 * - A task stays where it was as far as that allows, goes next to where its state already is, and last to whoever has fewest of its
 *   subtopology.
 * - Copies of tasks that keep state (standbys) go to as many other processes as there are, up to what is asked for.
 */
import { holds, type Places } from '../topic-partitions.ts'
import { type Role, roles, type Tasks, taskKey } from './tasks.ts'

export interface TaskSpec {
  readonly subtopologies: ReadonlyMap<string, { readonly tasks: number; readonly isStateful: boolean }>
  readonly members: ReadonlyMap<string, AssignedMember>
  readonly standbys: number
}

export interface AssignedMember {
  readonly processId: string
  /** Its target before. */
  readonly before: Tasks
}

interface Task {
  readonly subtopologyId: string
  readonly partition: number
}

/** Every member has an entry. */
export function assignTasks(spec: TaskSpec): ReadonlyMap<string, Tasks> {
  const hands = [...spec.members.keys()].sort().map(id => new Hand(id, spec.members.get(id)!))
  if (hands.length === 0) return new Map()
  const tasks: Task[] = []
  const kept: Task[] = []
  for (const [subtopologyId, { tasks: count, isStateful }] of spec.subtopologies)
    for (let partition = 0; partition < count; partition++) {
      tasks.push({ subtopologyId, partition })
      if (isStateful) kept.push({ subtopologyId, partition })
    }
  dealActive(tasks, hands)
  if (spec.standbys > 0) dealStandbys(kept, hands, spec.standbys)
  return new Map(hands.map(hand => [hand.id, hand.tasks]))
}

/** A member while tasks are dealt. */
class Hand {
  readonly id: string
  readonly processId: string
  readonly before: Places
  readonly tasks = new Map<string, Set<number>>()
  size = 0
  quota = 0

  constructor(id: string, { processId, before }: AssignedMember) {
    this.id = id
    this.processId = processId
    this.before = before
  }

  had(role: Role, { subtopologyId, partition }: Task): boolean {
    return holds(this.before, taskKey(role, subtopologyId), partition)
  }

  /** Had it in some role: its state may be here. */
  knew(task: Task): boolean {
    return roles.some(role => this.had(role, task))
  }

  has({ subtopologyId, partition }: Task): boolean {
    return roles.some(role => holds(this.tasks, taskKey(role, subtopologyId), partition))
  }

  of(subtopologyId: string): number {
    return this.tasks.get(taskKey('active', subtopologyId))?.size ?? 0
  }

  take(role: Role, { subtopologyId, partition }: Task): void {
    const key = taskKey(role, subtopologyId)
    const partitions = this.tasks.get(key)
    if (partitions) partitions.add(partition)
    else this.tasks.set(key, new Set([partition]))
    this.size++
  }
}

function dealActive(tasks: readonly Task[], hands: readonly Hand[]): void {
  const owners = new Map(tasks.map(task => [task, hands.find(hand => hand.had('active', task))]))
  const counts = new Map(hands.map(hand => [hand, 0]))
  for (const owner of owners.values()) if (owner) counts.set(owner, counts.get(owner)! + 1)
  const base = Math.floor(tasks.length / hands.length)
  // Who has most may keep one more.
  hands
    .toSorted((one, other) => counts.get(other)! - counts.get(one)!)
    .forEach((hand, rank) => {
      hand.quota = base + (rank < tasks.length % hands.length ? 1 : 0)
    })
  const sizes = Map.groupBy(tasks, ({ subtopologyId }) => subtopologyId)
  const fairOf = ({ subtopologyId }: Task) => Math.ceil(sizes.get(subtopologyId)!.length / hands.length)
  const moved = (among: readonly Task[], mayKeep: (hand: Hand, task: Task) => boolean) =>
    among.filter(task => {
      const owner = owners.get(task)
      if (!owner || owner.size >= owner.quota || !mayKeep(owner, task)) return true
      owner.take('active', task)
      return false
    })
  // Of what must go, rather a task of each kind than all of one.
  const spare = moved(tasks, (hand, task) => hand.of(task.subtopologyId) < fairOf(task))
  const left = moved(spare, () => true)
  const open = left.filter(
    task =>
      !give(
        task,
        hands.filter(hand => hand.knew(task)),
      ),
  )
  const processes = byProcess(hands)
  for (const task of open) {
    const near = [...processes.values()].filter(process => process.some(hand => hand.knew(task))).flat()
    if (!give(task, near)) give(task, hands)
  }
}

/** To whoever of them has fewest of its kind. */
function give(task: Task, hands: readonly Hand[]): boolean {
  const free = hands.filter(hand => hand.size < hand.quota)
  const taker = least(free, hand => [hand.of(task.subtopologyId), hand.size])
  taker?.take('active', task)
  return taker !== undefined
}

function dealStandbys(tasks: readonly Task[], hands: readonly Hand[], standbys: number): void {
  const processes = byProcess(hands)
  const copies = Math.min(standbys, processes.size - 1)
  if (copies <= 0) return
  const actives = hands.reduce((sum, { size }) => sum + size, 0)
  const fair = Math.ceil((actives + tasks.length * copies) / hands.length)
  const isFreeOf = (task: Task) => (hand: Hand) => !processes.get(hand.processId)!.some(other => other.has(task))
  const open = new Map(tasks.map(task => [task, copies]))
  const put = (task: Task, hand: Hand | undefined): boolean => {
    hand?.take('standby', task)
    if (hand) open.set(task, open.get(task)! - 1)
    return hand !== undefined
  }
  for (const knows of [
    (hand: Hand, task: Task) => hand.had('standby', task),
    (hand: Hand, task: Task) => hand.knew(task),
  ])
    for (const task of tasks)
      for (const hand of hands) {
        if (open.get(task)! > 0 && knows(hand, task) && hand.size < fair && isFreeOf(task)(hand)) put(task, hand)
      }
  const loadOf = (hand: Hand) => {
    const process = processes.get(hand.processId)!
    return process.reduce((sum, { size }) => sum + size, 0) / process.length
  }
  for (const task of tasks)
    while (
      open.get(task)! > 0 &&
      put(
        task,
        least(hands.filter(isFreeOf(task)), hand => [loadOf(hand), hand.size]),
      )
    );
}

function byProcess(hands: readonly Hand[]): ReadonlyMap<string, readonly Hand[]> {
  return Map.groupBy(hands, ({ processId }) => processId)
}

/** The first of those for whom the numbers are least, the earlier weighing more. */
function least<T>(among: readonly T[], numbers: (each: T) => readonly [number, number]): T | undefined {
  let best: { each: T; first: number; second: number } | undefined
  for (const each of among) {
    const [first, second] = numbers(each)
    if (!best || first < best.first || (first === best.first && second < best.second)) best = { each, first, second }
  }
  return best?.each
}
