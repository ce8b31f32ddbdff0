import assert from 'node:assert/strict'
import {
  type AppendBatch,
  type Appended,
  defaultLogConfig,
  EmbeddedEngine,
  type LogEngine,
  type PartitionId,
  type ReadRequest,
} from '@odradek/log'
import type { ErrorCode } from '@odradek/protocol'
import {
  type Disk,
  type SimulatedMachine,
  type SimulatedWorld,
  simulatedWorld,
  sleep,
  type World,
} from '@odradek/world'
import { quiet } from '../../logger.ts'
import type { JoinReply, SyncReply } from '../classic/group-event.ts'
import type { CommittedOffset, OffsetChange } from '../committed-offset.ts'
import { type GroupLog, groupLog } from '../group-log.ts'
import { defaultGroupSettings, type GroupSettings } from '../group-settings.ts'
import { Groups } from '../groups.ts'
import { StoredGroups } from './stored-groups.ts'

interface HostOptions {
  seed?: number
  partitions?: number
  settings?: Partial<GroupSettings>
  segmentBytes?: number
  /** Adds further kinds of groups, before what is stored is read. */
  prepare?: (groups: Groups, machine: Pick<World, 'clock' | 'random'>) => void
}

/** Groups on a log on a simulated machine, which can stop, crash and start again. Time moves only while `finish` waits. */
export class GroupHost {
  readonly world: SimulatedWorld
  readonly machine: SimulatedMachine
  readonly #options: HostOptions
  readonly #ids: readonly PartitionId[]
  #topicExists = false
  engine!: LogEngine
  log!: GroupLog
  store!: StoredGroups
  groups!: Groups
  /** Batches of every append, since the start. */
  appended: AppendBatch[][] = []
  /** Answers of the log, when it shall not work. */
  refusal: Appended | null = null
  /** Which batches of an append it refuses. */
  refuses: (index: number) => boolean = () => true
  /** Lines of the log that call for attention. */
  readonly errors: string[] = []
  /** What the log answers to reads, instead of records. */
  readError: (partition: PartitionId, offset: number) => ErrorCode | undefined = () => undefined
  /** Goes with it. */
  resumeAt: number | undefined
  /** How many reads were asked for since the start. */
  reads = 0
  /** How long a sync takes longer than it does. */
  syncDelayMs = 0

  static async start(options: HostOptions = {}): Promise<GroupHost> {
    const host = new GroupHost(options)
    await host.start()
    return host
  }

  private constructor(options: HostOptions) {
    this.#options = options
    this.#ids = Array.from({ length: options.partitions ?? 4 }, (_, i) => i + 1)
    this.world = simulatedWorld({ seed: options.seed ?? 1 })
    this.machine = this.world.machine('broker')
  }

  get partitionIds(): readonly PartitionId[] {
    return this.#ids
  }

  async start(): Promise<void> {
    const { clock, disk: quick, random } = this.machine.boot()
    const disk = this.#slowed(quick)
    const logger = { ...quiet, error: (_: object, message: string) => void this.errors.push(message) }
    this.engine = await this.finish(EmbeddedEngine.start({ clock, disk, folder: '/data', leaderEpoch: 0, logger }))
    if (this.#topicExists) await this.finish(this.#openTopic())
    const topic = {
      name: '__consumer_offsets',
      existing: () => (this.#topicExists ? this.#ids : null),
      ensure: async () => {
        if (!this.#topicExists) await this.#openTopic()
        this.#topicExists = true
        return this.#ids
      },
    }
    const engine = this.#observed()
    this.log = groupLog({ engine, clock, logger, topic })
    this.store = new StoredGroups(this.log)
    const settings = { ...defaultGroupSettings, ...this.#options.settings }
    this.groups = new Groups({ clock, random, logger, settings, log: this.log })
    this.#options.prepare?.(this.groups, { clock, random })
    this.appended = []
    this.reads = 0
    await this.finish(this.groups.load())
  }

  async stop(): Promise<void> {
    this.groups.close()
    await this.finish(this.engine.close({ drain: true }))
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Power fails and comes back. */
  async crash(): Promise<void> {
    this.machine.crash()
    await this.start()
  }

  finish<T>(promise: T | Promise<T>): Promise<T> {
    return this.world.clock.finish(Promise.resolve(promise))
  }

  commit(group: string, changes: readonly OffsetChange[]): Promise<number> {
    return this.finish(
      this.groups.commit(group, { memberId: '', instanceId: null, generation: -1, apiVersion: 9 }, changes),
    )
  }

  async committed(group: string, topic: string, partition: number): Promise<number | undefined> {
    return this.groups.offsets(group).get(topic)?.get(partition)?.offset
  }

  /** A member joins and syncs alone, and gets `assignment`. */
  async soleMember(group: string, instanceId: string | null = null, assignment = 'p0'): Promise<JoinReply> {
    const joined = await this.finish(this.groups.join(group, joinRequest(instanceId)))
    assert.equal(joined.error, 0)
    const synced = await this.finish(this.sync(group, joined, instanceId, assignment))
    assert.equal(Buffer.from(synced.assignment).toString(), assignment)
    return joined
  }

  sync(
    group: string,
    joined: JoinReply,
    instanceId: string | null,
    assignment: string,
  ): SyncReply | Promise<SyncReply> {
    const { memberId, generation } = joined
    const assignments = new Map([[memberId, Buffer.from(assignment)]])
    return this.groups.sync(group, {
      memberId,
      instanceId,
      generation,
      protocolType: null,
      protocolName: null,
      assignments,
    })
  }

  async #openTopic(): Promise<void> {
    await this.engine.open({
      topicId: '00000000-0000-4000-8000-000000000001',
      name: '__consumer_offsets',
      partitions: this.#ids.map((id, index) => ({ index, id })),
      config: {
        ...{ ...defaultLogConfig, cleanupPolicy: ['compact'], retentionMs: -1 },
        segmentBytes: this.#options.segmentBytes ?? 1_048_576,
      },
    })
  }

  #slowed(disk: Disk): Disk {
    const open: Disk['open'] = async (path, mode) => {
      const file = await disk.open(path, mode)
      const sync = async () => {
        if (this.syncDelayMs > 0) await sleep(this.world.clock, this.syncDelayMs)
        await file.sync()
      }
      return new Proxy(file, {
        get(target, name) {
          if (name === 'sync') return sync
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }
    return new Proxy(disk, {
      get(target, name) {
        if (name === 'open') return open
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #observed(): LogEngine {
    const { engine } = this
    return Object.assign(Object.create(engine), {
      append: async (batches: readonly AppendBatch[], options: Parameters<LogEngine['append']>[1]) => {
        this.appended.push([...batches])
        const { refusal } = this
        if (refusal === null) return engine.append(batches, options)
        const refused = batches.map((_, i) => this.refuses(i))
        const accepted = await engine.append(
          batches.filter((_, i) => !refused[i]),
          options,
        )
        return refused.map(isRefused => (isRefused ? refusal : accepted.shift()!))
      },
      read: async (reads: readonly ReadRequest[], options: Parameters<LogEngine['read']>[1]) => {
        this.reads++
        const error = this.readError(reads[0]!.partition, reads[0]!.offset)
        const { resumeAt } = this
        if (error === undefined) return engine.read(reads, options)
        return [{ ok: false, error, ...(resumeAt !== undefined && { resumeAt }) }]
      },
      state: engine.state.bind(engine),
      trim: engine.trim.bind(engine),
      producers: engine.producers.bind(engine),
    })
  }
}

export function joinRequest(
  instanceId: string | null = null,
  sessionTimeoutMs = 10_000,
): Parameters<Groups['join']>[1] {
  return {
    memberId: '',
    instanceId,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([1, 2, 3]) }],
    mustKnowItsId: false,
    maySkipAssignment: true,
  }
}

export function offset(value: number, more: Partial<CommittedOffset> = {}): CommittedOffset {
  return { offset: value, leaderEpoch: -1, metadata: '', commitTimestamp: 0, expireTimestamp: -1, ...more }
}
