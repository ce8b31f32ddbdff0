/**
 * Tasks of a streams group: a partition of a subtopology, in a role. Sets of them are kept as sets of partitions are elsewhere, under
 * keys that name role and subtopology, `active/0`: so they move from member to member by the rules that consumer groups have.
 */
import { addTo, type Places, type TopicPartitions } from '../topic-partitions.ts'

/** 'active' works; 'standby' follows the changelogs of another's; 'warmup' follows them to become active. */
export const roles = ['active', 'standby', 'warmup'] as const
export type Role = (typeof roles)[number]

/** Role and subtopology → partitions. */
export type Tasks = TopicPartitions

export interface WireTaskIds {
  subtopologyId: string
  partitions: number[]
}

export interface WireTasks<T = WireTaskIds> {
  activeTasks: T[]
  standbyTasks: T[]
  warmupTasks: T[]
}

export const taskKey = (role: Role, subtopologyId: string): string => `${role}/${subtopologyId}`

export function splitTaskKey(key: string): { role: Role; subtopologyId: string } {
  const slash = key.indexOf('/')
  return { role: key.slice(0, slash) as Role, subtopologyId: key.slice(slash + 1) }
}

export function tasksOf({ activeTasks, standbyTasks, warmupTasks }: WireTasks): Tasks {
  const tasks = new Map<string, Set<number>>()
  const all = { active: activeTasks, standby: standbyTasks, warmup: warmupTasks }
  for (const role of roles)
    for (const { subtopologyId, partitions } of all[role])
      for (const partition of partitions) addTo(tasks, taskKey(role, subtopologyId), partition)
  return tasks
}

/** As messages and records write them, in the order of subtopologies and partitions. */
export function wireTasks(tasks: Places): WireTasks {
  const wire: Record<Role, WireTaskIds[]> = { active: [], standby: [], warmup: [] }
  for (const key of [...tasks.keys()].sort()) {
    const { role, subtopologyId } = splitTaskKey(key)
    const partitions = [...tasks.get(key)!.keys()].sort((one, other) => one - other)
    if (partitions.length > 0) wire[role].push({ subtopologyId, partitions })
  }
  return { activeTasks: wire.active, standbyTasks: wire.standby, warmupTasks: wire.warmup }
}
