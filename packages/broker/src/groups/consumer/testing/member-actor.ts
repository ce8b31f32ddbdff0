import assert from 'node:assert/strict'
import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../../../refusal.ts'
import { fromWire, holds, isWithin, type TopicPartitions, toWire } from '../../topic-partitions.ts'
import type { HeartbeatReply, HeartbeatRequest } from '../heartbeat-request.ts'
import { type ConsumerHost, groupId } from './consumer-host.ts'

const { COORDINATOR_NOT_AVAILABLE, FENCED_MEMBER_EPOCH, GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID } = ErrorCodes

/** A member as a client of KIP-848 is: it says what has changed, gives up at once what it must, and joins anew when it is told to. */
export class MemberActor {
  readonly id: string
  readonly #host: ConsumerHost
  epoch = 0
  instanceId: string | null = null
  topicNames: readonly string[]
  topicRegex: string | null = null
  serverAssignor: string | null = null
  /** What it works on. */
  working: TopicPartitions = new Map()
  beats = 0
  /** Times at which it stopped working on something that it has again now, or never had to give up. */
  readonly stops: string[] = []
  #hasNews = true
  #mustReport = false

  constructor(host: ConsumerHost, id: string, topicNames: readonly string[] = ['t']) {
    this.#host = host
    this.id = id
    this.topicNames = topicNames
  }

  subscribe(topicNames: readonly string[], topicRegex: string | null = null): void {
    this.topicNames = topicNames
    this.topicRegex = topicRegex
    this.#hasNews = true
  }

  /** One heartbeat, and at once another when there is something to report. */
  async beat(): Promise<void> {
    for (let i = 0; i === 0 || (this.#mustReport && i < 3); i++) await this.#host.finish(this.beatOnce())
  }

  /** Resolves to the error, 0 for none. */
  async beatOnce(): Promise<number> {
    this.beats++
    const request = this.request()
    this.#mustReport = false
    try {
      this.#take(await this.#host.groups.beat(request))
      return 0
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
      return this.#refused(error.errorCode)
    }
  }

  request(): Omit<HeartbeatRequest, 'freshMemberId'> {
    const isJoining = this.epoch === 0
    return {
      groupId,
      memberId: this.id,
      memberEpoch: this.epoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: isJoining ? 60_000 : -1,
      topicNames: isJoining || this.#hasNews ? this.topicNames : null,
      topicRegex: isJoining || this.#hasNews ? (this.topicRegex ?? '') : null,
      serverAssignor: isJoining ? this.serverAssignor : null,
      owned: isJoining ? new Map() : this.#mustReport ? this.working : null,
      clientId: 'actor',
      clientHost: '/127.0.0.1',
      apiVersion: 1,
    }
  }

  async leave(memberEpoch = -1): Promise<void> {
    this.forget()
    try {
      await this.#host.finish(this.#host.groups.beat({ ...this.request(), memberEpoch }))
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error))
    }
  }

  /** It is fenced, or its process is gone. */
  forget(): void {
    this.epoch = 0
    this.working = new Map()
    this.#hasNews = true
    this.#mustReport = false
  }

  #take({ memberEpoch, assignment }: HeartbeatReply): void {
    this.epoch = memberEpoch
    this.#hasNews = false
    if (assignment === null) return
    const next = fromWire(toWire(assignment))
    for (const [topicId, partitions] of this.working)
      for (const partition of partitions)
        if (!holds(next, topicId, partition)) this.stops.push(`${topicId}-${partition}`)
    this.#mustReport = !(isWithin(next, this.working) && isWithin(this.working, next))
    this.working = next
  }

  #refused(error: number): number {
    if (error === FENCED_MEMBER_EPOCH || error === UNKNOWN_MEMBER_ID || error === GROUP_ID_NOT_FOUND) this.forget()
    // The request may have been carried out, so what it said is said again.
    else if (error === COORDINATOR_NOT_AVAILABLE) this.reportAll()
    return error
  }

  /** After a failure nobody knows what was heard. */
  reportAll(): void {
    this.#hasNews = true
    this.#mustReport = this.epoch > 0
  }
}
