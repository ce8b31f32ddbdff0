import assert from 'node:assert/strict'
import { quiet } from '../../../logger.ts'
import { GroupHost } from '../../testing/group-host.ts'
import { HostedTopics } from '../../testing/hosted-topics.ts'
import { ClusterTopics } from '../../topics-view.ts'
import type { StreamsGroup } from '../streams-group.ts'
import { StreamsGroups } from '../streams-groups.ts'
import { defaultStreamsSettings, type StreamsSettings } from '../streams-settings.ts'
import { type roles, splitTaskKey, taskKey } from '../tasks.ts'

export const groupId = 'g'

/** The coordinator of streams groups on a simulated machine that can be restarted, with topics that come and go. */
export class StreamsHost {
  settings: StreamsSettings
  readonly #topics = new HostedTopics()
  host!: GroupHost
  groups!: StreamsGroups

  static async start(settings: Partial<StreamsSettings> = {}): Promise<StreamsHost> {
    const host = new StreamsHost({ ...defaultStreamsSettings, ...settings })
    host.host = await GroupHost.start({
      partitions: 1,
      prepare: (groups, { clock }) => {
        host.groups = new StreamsGroups({
          clock,
          logger: quiet,
          log: groups.log,
          classic: groups.classic,
          topics: new ClusterTopics(host.#topics),
          settingsOf: () => host.settings,
          findAny: id => groups.find(id),
          makeTopics: async topics => {
            for (const { name, partitions } of topics) host.topic(name, partitions)
            return null
          },
        })
        groups.add(host.groups)
      },
    })
    return host
  }

  private constructor(settings: StreamsSettings) {
    this.settings = settings
  }

  get group(): StreamsGroup | undefined {
    return this.groups.get(groupId)
  }

  /** Creates a topic, or gives it more partitions. */
  topic(name: string, partitions: number): void {
    this.#topics.set(name, partitions)
  }

  deleteTopic(name: string): void {
    this.#topics.delete(name)
  }

  partitionsOf(name: string): number {
    return this.#topics.partitionsOf(name)
  }

  finish<T>(promise: T | Promise<T>): Promise<T> {
    return this.host.finish(promise)
  }

  async pass(ms: number): Promise<void> {
    await this.host.world.clock.advance(ms)
  }

  /** No task is worked on twice, nor twice in a process; epochs are in order. */
  check(): void {
    const { group } = this
    if (!group) return
    assert.ok(group.targetEpoch <= group.epoch, 'a target of a later epoch than the group')
    const active = new Map<string, string>()
    const inProcess = new Map<string, string>()
    for (const [id, { current, details }] of group.members) {
      assert.ok(current.epoch <= group.targetEpoch, `${id} is ahead of the target`)
      for (const owned of [current.assigned, current.revoking])
        for (const [key, partitions] of owned)
          for (const partition of partitions.keys()) {
            const { role, subtopologyId } = splitTaskKey(key)
            const task = `${subtopologyId}_${partition}`
            if (role === 'active') {
              assert.equal(active.get(task), undefined, `${task} is with ${active.get(task)} and ${id}`)
              active.set(task, id)
            }
            const place = `${details.processId} ${task}`
            assert.equal(inProcess.get(place), undefined, `${place} is with ${inProcess.get(place)} and ${id}`)
            inProcess.set(place, id)
            assert.ok(group.holdersOf(taskKey(role, subtopologyId), partition).has(id))
          }
    }
    for (const id of group.targets.keys()) assert.ok(group.members.has(id), `a target of nobody: ${id}`)
  }
}

/** Tasks a member has in each role, counted. */
export function countRoles(group: StreamsGroup): Record<(typeof roles)[number], number> {
  const counts = { active: 0, standby: 0, warmup: 0 }
  for (const { current } of group.members.values())
    for (const [key, partitions] of current.assigned) counts[splitTaskKey(key).role] += partitions.size
  return counts
}
