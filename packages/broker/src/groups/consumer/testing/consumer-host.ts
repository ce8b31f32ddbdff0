import assert from 'node:assert/strict'
import { quiet } from '../../../logger.ts'
import { GroupHost } from '../../testing/group-host.ts'
import { HostedTopics } from '../../testing/hosted-topics.ts'
import { nowhere } from '../../topic-partitions.ts'
import { ClusterTopics } from '../../topics-view.ts'
import type { ConsumerGroup } from '../consumer-group.ts'
import { ConsumerGroups } from '../consumer-groups.ts'
import { type ConsumerSettings, defaultConsumerSettings } from '../consumer-settings.ts'

export const groupId = 'g'

/** The coordinator of consumer groups on a simulated machine that can be restarted, with topics that come and go. */
export class ConsumerHost {
  readonly settings: ConsumerSettings
  readonly #topics = new HostedTopics()
  #host!: GroupHost
  groups!: ConsumerGroups

  static async start(settings: Partial<ConsumerSettings> = {}, seed = 1): Promise<ConsumerHost> {
    const host = new ConsumerHost({ ...defaultConsumerSettings, ...settings })
    host.#host = await GroupHost.start({
      seed,
      partitions: 1,
      prepare: (groups, machine) => {
        host.groups = new ConsumerGroups({
          ...machine,
          logger: quiet,
          log: groups.log,
          classic: groups.classic,
          topics: new ClusterTopics(host.#topics),
          settingsOf: () => host.settings,
          findAny: id => groups.find(id),
        })
        groups.add(host.groups)
      },
    })
    return host
  }

  private constructor(settings: ConsumerSettings) {
    this.settings = settings
  }

  /** The log beneath, which can fail. */
  get host(): GroupHost {
    return this.#host
  }

  get group(): ConsumerGroup | undefined {
    return this.groups.get(groupId)
  }

  /** Creates a topic, or gives it more partitions. */
  topic(name: string, partitions: number): string {
    return this.#topics.set(name, partitions)
  }

  deleteTopic(name: string): void {
    this.#topics.delete(name)
  }

  topics(): ReturnType<HostedTopics['topics']> {
    return this.#topics.topics()
  }

  finish<T>(promise: T | Promise<T>): Promise<T> {
    return this.#host.finish(promise)
  }

  async pass(ms: number): Promise<void> {
    await this.#host.world.clock.advance(ms)
  }

  /** Nothing is owned twice, epochs are in order, and what is said of owners is what members have. */
  check(): void {
    const { group } = this
    if (!group) return
    assert.ok(group.targetEpoch <= group.epoch, 'a target of a later epoch than the group')
    const owners = new Map<string, string>()
    for (const [id, { current }] of group.members) {
      assert.ok(current.epoch <= group.targetEpoch, `${id} is ahead of the target`)
      for (const owned of [current.assigned, current.revoking])
        for (const [topicId, partitions] of owned)
          for (const partition of partitions.keys()) {
            const place = `${topicId}-${partition}`
            assert.equal(owners.get(place), undefined, `${place} is with ${owners.get(place)} and ${id}`)
            owners.set(place, id)
            assert.equal(group.ownerOf(topicId, partition), id)
          }
    }
    for (const [id, target] of group.targets)
      assert.ok(group.members.has(id) || target === nowhere, `a target of nobody: ${id}`)
  }
}
