/** One engine on one simulated machine, for tests that break things by hand. Without a journal, unless asked for: what is in a file is then all there is of it. */
import { type SimulatedDisk, type SimulatedWorld, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import type { AppendBatch, Appended, LogConfig, ReadResult, TopicSpec } from '../engine.ts'
import type { EmbeddedEngineLimits } from '../engine-limits.ts'
import { topicOf } from './batches.ts'
import { type Notes, notes } from './notes.ts'

export class SimulatedNode {
  readonly world: SimulatedWorld = simulatedWorld({ seed: 7, disk: { syncMs: [1, 1] } })
  readonly notes: Notes = notes()
  readonly #config: Partial<LogConfig>
  readonly #limits: Partial<EmbeddedEngineLimits>
  #epoch = 0
  engine!: EmbeddedEngine

  constructor(config: Partial<LogConfig> = {}, limits: Partial<EmbeddedEngineLimits> = {}) {
    this.#config = config
    this.#limits = { journalBytes: 0, ...limits }
  }

  get disk(): SimulatedDisk {
    return this.world.machine('m').disk
  }

  async start({ open = topicOf(this.#config) }: { open?: TopicSpec } = {}): Promise<void> {
    this.notes.lines.length = 0
    const { clock, disk } = this.world.machine('m').boot()
    const options = {
      clock,
      disk,
      folder: '/data',
      leaderEpoch: this.#epoch++,
      logger: this.notes,
      limits: this.#limits,
    }
    this.engine = await this.settle(EmbeddedEngine.start(options))
    await this.settle(this.engine.open(open))
  }

  /** `kill -9`: the process is gone, what it wrote is not. */
  async kill(): Promise<void> {
    this.world.machine('m').crash({ unsynced: 'kept' })
    await this.start()
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.world.clock.finish(promise)
  }

  async append(batch: AppendBatch, acks: 0 | 1 | -1 = -1): Promise<Appended> {
    const answers = this.engine.append([batch], { acks, deadline: Number.POSITIVE_INFINITY })
    return (await this.settle(answers))[0]!
  }

  async read(offset: number, partition = 1): Promise<ReadResult> {
    const read = { partition, offset, maxBytes: 1_000_000, isolation: 'uncommitted' as const }
    return (await this.settle(this.engine.read([read], { maxBytes: 1_000_000, minOne: true })))[0]!
  }

  async highWatermark(partition = 1): Promise<number> {
    return (await this.settle(this.engine.state([partition])))[0]!.highWatermark
  }

  async names(): Promise<string[]> {
    return this.disk.list('/data/orders-0')
  }

  /** Changes a file behind the engine's back, durably. */
  async edit(name: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    const changed = change(Uint8Array.from(await this.disk.readFile(`/data/${name}`)))
    const file = await this.disk.open(`/data/${name}`, 'existing')
    file.truncate(0)
    file.write(0, [changed])
    await this.settle(file.sync())
    await file.close()
  }
}
