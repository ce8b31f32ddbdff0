/**
 * A member whose protocol the broker decides: the consumer protocol (KIP-848) where the group's coordinator offers it, and the classic
 * one elsewhere, or when the coordinator declines because the group is a classic one that cannot be converted. Once classic, it stays
 * so; what was chosen, and why, is told by a diagnostics channel.
 */
import { ConsumerGroupHeartbeat, errorByCode, UsageError } from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { backoffMs } from '../cluster/backoff.ts'
import { protocolChannel } from './diagnostics.ts'
import { coordinatorSpeaks } from './group-call.ts'
import type { Job, MemberSession, MemberSessionOptions, Standing, Wanted } from './member-session.ts'

export interface NegotiatedSessionOptions extends MemberSessionOptions {
  readonly classic: () => MemberSession
  readonly consumer: (onDeclined: (errorCode: number) => void) => MemberSession
}

const undecided: Standing = {
  memberId: '',
  generation: -1,
  isLost: false,
  losses: 0,
  isJoining: true,
  isSettled: false,
}

export class NegotiatedSession implements MemberSession {
  readonly #options: NegotiatedSessionOptions
  readonly #closing = new AbortController()
  #session: MemberSession | undefined
  #wanted: Wanted | undefined
  /** Of sessions that were left for another. */
  #formerLosses = 0

  constructor(options: NegotiatedSessionOptions) {
    this.#options = options
  }

  get standing(): Standing {
    const standing = this.#session?.standing ?? undecided
    return { ...standing, losses: standing.losses + this.#formerLosses }
  }

  get hasJob(): boolean {
    return this.#session?.hasJob ?? false
  }

  get offsetReader(): MemberSession['offsetReader'] {
    return this.#session?.offsetReader ?? null
  }

  subscribe(wanted: Wanted): void {
    const isFirst = this.#wanted === undefined
    this.#wanted = wanted
    if (isFirst) void this.#choose()
    else this.#session?.subscribe(wanted)
  }

  requestRejoin(reason: string): void {
    this.#session?.requestRejoin(reason)
  }

  takeJob(): Job | undefined {
    return this.#session?.takeJob()
  }

  jobDone(): void {
    this.#session?.jobDone()
  }

  polled(): void {
    this.#session?.polled()
  }

  pollOverdue(): void {
    this.#session?.pollOverdue()
  }

  refused(errorCode: number, generation: number): void {
    this.#session?.refused(errorCode, generation)
  }

  fail(): void {
    this.#closing.abort(new UsageError('the consumer has failed'))
    if (this.#session) this.#session.fail()
    else this.#options.onLost()
  }

  async close(leaveGroup: boolean, signal?: AbortSignal): Promise<void> {
    this.#closing.abort(new UsageError('the consumer is closed'))
    await this.#session?.close(leaveGroup, signal)
  }

  async #choose(): Promise<void> {
    const { cluster, groupId, purpose, trouble } = this.#options
    const { signal } = this.#closing
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const api = ConsumerGroupHeartbeat
        const version = await coordinatorSpeaks(cluster, groupId, api, `${purpose}-heartbeat`, signal)
        return version >= 0 ? this.#useConsumer() : this.#useClassic('the broker does not offer the consumer protocol')
      } catch (error) {
        if (signal.aborted) return
        trouble.met('group', error)
        await sleep(cluster.clock, backoffMs(failures, cluster.random, cluster.backoff), signal).catch(() => {})
      }
    }
  }

  #useConsumer(): void {
    this.#tell('consumer', 'the broker offers it')
    this.#use(this.#options.consumer(errorCode => this.#declined(errorCode)))
  }

  #useClassic(reason: string): void {
    this.#tell('classic', reason)
    this.#use(this.#options.classic())
  }

  #declined(errorCode: number): void {
    const former = this.#session
    this.#formerLosses += former?.standing.losses ?? 0
    this.#session = undefined
    void former?.close(false)
    if (!this.#closing.signal.aborted) this.#useClassic(errorByCode(errorCode).name)
  }

  #use(session: MemberSession): void {
    this.#session = session
    session.subscribe(this.#wanted!)
  }

  #tell(protocol: 'consumer' | 'classic', reason: string): void {
    if (protocolChannel.hasSubscribers) protocolChannel.publish({ group: this.#options.groupId, protocol, reason })
  }
}
