import { type MemberTasks, type PlacedTask, parseServer } from '../queries/metadata.ts'
import { StreamsError } from '../streams-error.ts'
import { topicName } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { ActiveTasks } from './active-tasks.ts'
import type { AssignmentData, MemberData } from './group-data.ts'
import { otherTopology } from './group-topology.ts'
import type { StandbyTasks } from './standby-tasks.ts'
import type { StreamThread } from './stream-thread.ts'
import type { TaskInput } from './task-assignor.ts'
import { tasksOf } from './task-inputs.ts'

export interface GroupPlaceOptions {
  subtopologies: readonly Subtopology[]
  applicationId: string
  processId: string
  server: string | null
  /** This instance has failed, and wants all to end: why. */
  shutdown: string | undefined
  parts(): { tasks: ActiveTasks; standbys: StandbyTasks; thread: StreamThread; folder: { tasks(): string[] } | null }
}

/** What an instance tells the group of itself, and what it was told last of all the others. */
export class GroupPlace {
  readonly #options: GroupPlaceOptions
  #inputs = new Map<string, TaskInput>()
  #members: MemberTasks[] = []

  constructor(options: GroupPlaceOptions) {
    this.#options = options
  }

  /** All instances with what they have, as the leader divided it. */
  get members(): readonly MemberTasks[] {
    return this.#members
  }

  inputOf(taskId: string): TaskInput | undefined {
    return this.#inputs.get(taskId)
  }

  /** How many tasks a sub-topology has; 0 before the first assignment. */
  partitionsOf(subtopology: number): number {
    let partitions = 0
    for (const input of this.#inputs.values()) if (input.subtopology === subtopology) partitions++
    return partitions
  }

  own(): MemberData {
    const { processId, server, shutdown, subtopologies, applicationId, parts } = this.#options
    const { tasks, standbys, folder } = parts()
    const state: Record<string, number> = {}
    for (const taskId of folder?.tasks() ?? []) state[taskId] = Number.MAX_SAFE_INTEGER // how far it is, only restoring tells
    for (const taskId of standbys.taskIds) state[taskId] = standbys.remaining(taskId)
    for (const task of tasks) if (task.stores.size > 0) state[task.id] = 0
    const topology = topologyKey(subtopologies, applicationId)
    return { processId, server, topology, state, ...(shutdown !== undefined && { shutdown }) }
  }

  told({ refused, shutdown, standby, widths, members }: AssignmentData): void {
    const { subtopologies, applicationId, parts } = this.#options
    if (shutdown !== undefined) parts().thread.doom(askedToEnd(applicationId, shutdown))
    if (refused !== undefined) parts().thread.doom(otherTopology(applicationId, refused))
    const all = tasksOf(subtopologies, applicationId, topic => widths[topic] ?? 0, Object.keys(widths))
    this.#inputs = new Map(all.map(input => [input.taskId, input]))
    const placed = (taskIds: readonly string[]): PlacedTask[] =>
      taskIds.flatMap(taskId => this.#inputs.get(taskId) ?? [])
    this.#members = members.map(({ instance, server, active, standby }) => ({
      instance,
      server: server === null ? null : parseServer(server),
      active: placed(active),
      standby: placed(standby),
    }))
    parts().standbys.want(standby)
  }
}

/** What all members of a group must agree on: task ids stand for the same inputs and stores. */
export function topologyKey(subtopologies: readonly Subtopology[], applicationId: string): string {
  return subtopologies
    .map(({ id, nodes, stores }) => {
      const topics = nodes.flatMap(node => {
        if (node.kind !== 'source') return []
        return node.topics instanceof RegExp
          ? [String(node.topics)]
          : node.topics.map(topic => topicName(topic, applicationId))
      })
      const names = stores.map(({ name }) => name)
      return `${id}: ${topics.sort().join(' ')}${names.length > 0 ? ` [${names.sort().join(' ')}]` : ''}`
    })
    .join('; ')
}

const askedToEnd = (applicationId: string, why: string) =>
  new StreamsError(
    'SHUTDOWN_REQUESTED',
    `An instance of '${applicationId}' has failed and its handler ended the whole application: ${why}`,
  )
