import assert from 'node:assert/strict'
import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../../../refusal.ts'
import { isWithin, nowhere } from '../../topic-partitions.ts'
import type { StreamsHeartbeat } from '../heartbeat-request.ts'
import type { StreamsAnswer } from '../streams-groups.ts'
import { type Tasks, tasksOf, wireTasks } from '../tasks.ts'
import { topologyOf } from '../topology.ts'
import { groupId, type StreamsHost } from './streams-host.ts'

const { COORDINATOR_NOT_AVAILABLE, FENCED_MEMBER_EPOCH, GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID } = ErrorCodes

const info = (name: string) => ({ name, partitions: 0, replicationFactor: 0, topicConfigs: [] })

/** Reads 'lines', writes them anew by word, and counts. */
export const wordCount = topologyOf({
  epoch: 1,
  subtopologies: [
    {
      subtopologyId: '0',
      sourceTopics: ['lines'],
      sourceTopicRegex: [],
      stateChangelogTopics: [],
      repartitionSinkTopics: ['words'],
      repartitionSourceTopics: [],
      copartitionGroups: [],
    },
    {
      subtopologyId: '1',
      sourceTopics: [],
      sourceTopicRegex: [],
      stateChangelogTopics: [info('changelog')],
      repartitionSinkTopics: [],
      repartitionSourceTopics: [info('words')],
      copartitionGroups: [],
    },
  ],
})

/** A member as a Java client is: it gives up at once what it must, and says so; joins anew when it is told to. */
export class StreamsActor {
  readonly id: string
  readonly processId: string
  readonly #host: StreamsHost
  epoch = 0
  working: Tasks = nowhere
  endpointEpoch = -1
  #mustReport = false

  constructor(host: StreamsHost, id: string, processId: string) {
    this.#host = host
    this.id = id
    this.processId = processId
  }

  /** One heartbeat, and at once another when there is something to report. */
  async beat(): Promise<void> {
    for (let i = 0; i === 0 || (this.#mustReport && i < 3); i++) await this.#host.finish(this.beatOnce())
  }

  /** Resolves to the error, 0 for none. */
  async beatOnce(): Promise<number> {
    const request = this.#request()
    this.#mustReport = false
    try {
      this.#take(await this.#host.groups.beat(request))
      return 0
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
      return this.#refused(error.errorCode)
    }
  }

  async leave(): Promise<void> {
    const request = { ...this.#request(), memberEpoch: -1, topology: null, owned: null }
    this.forget()
    try {
      await this.#host.finish(this.#host.groups.beat(request))
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
    }
  }

  /** It is fenced, or its process is gone. */
  forget(): void {
    this.epoch = 0
    this.working = nowhere
    this.#mustReport = false
  }

  /** It does not say what it has given up. */
  keepQuiet(): void {
    this.#mustReport = false
  }

  #request(): StreamsHeartbeat {
    const isJoining = this.epoch === 0
    return {
      groupId,
      memberId: this.id,
      memberEpoch: this.epoch,
      endpointEpoch: this.endpointEpoch,
      rackId: null,
      rebalanceTimeoutMs: isJoining ? 60_000 : -1,
      topology: isJoining ? wordCount : null,
      owned: isJoining ? nowhere : this.#mustReport ? this.working : null,
      processId: isJoining ? this.processId : null,
      userEndpoint: isJoining ? { host: this.processId, port: 1 } : null,
      clientTags: null,
      shutdownApplication: false,
      clientId: 'actor',
      clientHost: '/127.0.0.1',
    }
  }

  #take({ memberEpoch, tasks, endpointEpoch }: StreamsAnswer): void {
    this.epoch = memberEpoch
    this.endpointEpoch = endpointEpoch
    if (tasks === null) return
    const next = tasksOf(wireTasks(tasks))
    this.#mustReport = !(isWithin(next, this.working) && isWithin(this.working, next))
    this.working = next
  }

  #refused(error: number): number {
    if (error === FENCED_MEMBER_EPOCH || error === UNKNOWN_MEMBER_ID || error === GROUP_ID_NOT_FOUND) this.forget()
    // The request may have been carried out, so what it said is said again.
    else if (error === COORDINATOR_NOT_AVAILABLE) this.#mustReport = this.epoch > 0
    return error
  }
}
