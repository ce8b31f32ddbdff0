/**
 * Too little of what a broker needs from the system, again and again: bytes or files on its disk, descriptors. Whatever it is asked to
 * write is done, or refused with an error that says to try again; reads go on; when there is enough again, so does everything, without
 * a restart; and what was acknowledged is there after a kill.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTopics,
  DeleteRecords,
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  errorByCode,
  Fetch,
  FindCoordinator,
  IncrementalAlterConfigs,
  OffsetCommit,
} from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest } from '../../packages/broker/src/testing/test-broker.ts'
import { type Dice, dice } from './dice.ts'
import { ServeProcess } from './serve-process.ts'
import { SmallDisk } from './small-disk.ts'
import { produce } from './written-folder.ts'

export type Scarce = 'bytes' | 'inodes' | 'descriptors'

export interface ScarcityFigures {
  scarce: Scarce
  rounds: number
  answered: number
  refused: number
  /** Errors that do not say to try again, reads that failed, brokers that ended, records lost. */
  problems: string[]
  /** The longest it took after there was enough again. */
  resumedMs: number
}

export interface ScarcityOptions {
  scarce: Scarce
  rounds: number
  seed: number
}

/** A reason instead of figures where it cannot be done. */
export async function scarcity(options: ScarcityOptions): Promise<ScarcityFigures | string> {
  const means = meansOf(options.scarce)
  if (typeof means === 'string') return means
  const figures: ScarcityFigures = {
    ...{ scarce: options.scarce, rounds: 0, answered: 0, refused: 0, problems: [], resumedMs: 0 },
  }
  let broker = await ServeProcess.start(argsFor(means.data))
  try {
    const work = new Work(figures)
    await work.begin(broker)
    const throwing = dice(options.seed)
    for (let i = 0; i < options.rounds; i++) {
      means.takeAway(broker, throwing)
      await work.round(i)
      means.giveBack(broker)
      await work.resume(i)
      figures.rounds++
    }
    work.end()
    await broker.end('SIGKILL')
    broker = await ServeProcess.start(argsFor(means.data))
    await work.isThere(broker)
  } catch (error) {
    figures.problems.push(`${(error as Error).stack}\n${broker.lines.slice(-5).join('\n')}`)
  } finally {
    await broker.end('SIGKILL')
    means.end()
  }
  return figures
}

const argsFor = (data: string): string[] => ['--listen', '127.0.0.1:0', '--data', data, '-c', 'log.segment.bytes=30000']

interface Means {
  data: string
  takeAway(broker: ServeProcess, throwing: Dice): void
  giveBack(broker: ServeProcess): void
  end(): void
}

function meansOf(scarce: Scarce): Means | string {
  if (scarce === 'descriptors') return descriptors()
  const disk = SmallDisk.mount(scarce === 'bytes' ? { bytes: '64m' } : { inodes: 20_000 })
  if (disk === undefined) return 'mounting a small tmpfs needs to be root'
  return {
    data: disk.data,
    takeAway: (_, throwing) => (scarce === 'bytes' ? disk.fill(4096 * throwing(30)) : disk.takeInodes(throwing(6))),
    giveBack: () => disk.free(),
    end: () => disk[Symbol.dispose](),
  }
}

function descriptors(): Means | string {
  if (spawnSync('prlimit', ['--version']).error) return 'prlimit is not installed'
  const data = mkdtempSync(join(tmpdir(), 'odradek-descriptors-'))
  const limit = (broker: ServeProcess, files: number) => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(broker.pid), `--nofile=${files}:`])
    if (status !== 0) throw new Error(String(stderr))
  }
  return {
    data,
    // Those that are open stay, even above the limit; it is new ones that are not to be had.
    takeAway: (broker, throwing) => limit(broker, readdirSync(`/proc/${broker.pid}/fd`).length + 3 - throwing(12)),
    giveBack: broker => limit(broker, 1000),
    end: () => rmSync(data, { recursive: true, force: true }),
  }
}

const partitions = 4

/** All that writes, of each kind of file. */
class Work {
  readonly #figures: ScarcityFigures
  readonly #acknowledged = Array.from({ length: partitions }, () => new Map<number, string>())
  #client: RawClient | undefined
  #count = 0
  #committed = 0

  constructor(figures: ScarcityFigures) {
    this.#figures = figures
  }

  async begin(broker: ServeProcess): Promise<void> {
    this.#client = await RawClient.connect(realWire, broker.address)
    for (const name of ['orders', 'trimmed']) await this.#create(name)
    await this.#everything(-1, true)
  }

  end(): void {
    this.#client?.close()
  }

  async round(number: number): Promise<void> {
    for (let i = 0; i < 3; i++) await this.#everything(number, false)
    await this.#reads()
  }

  /** Asks until all is answered. */
  async resume(number: number): Promise<void> {
    const from = performance.now()
    while (!(await this.#everything(number, false))) {
      if (performance.now() - from > 10_000) {
        this.#figures.problems.push(`round ${number}: still refused after 10 s`)
        return
      }
      await sleep(20)
    }
    this.#figures.resumedMs = Math.max(this.#figures.resumedMs, Math.round(performance.now() - from))
  }

  async isThere(broker: ServeProcess): Promise<void> {
    this.#client = await RawClient.connect(realWire, broker.address)
    await this.#reads()
    this.#client.close()
  }

  /** Returns whether all was done. */
  async #everything(round: number, must: boolean): Promise<boolean> {
    const answers: [what: string, code: number][] = []
    for (let partition = 0; partition < partitions; partition++)
      answers.push(['produce', await this.#produce('orders', partition)])
    answers.push(['produce', await this.#produce('trimmed', 0)], ['trim', await this.#trim()])
    const topic = `topic-${this.#count++}`
    const created = await this.#create(topic)
    answers.push(['create', created])
    if (created === ErrorCodes.NONE) answers.push(['first produce', await this.#produce(topic, 0)])
    answers.push(['commit', await this.#commit()], ['configure', await this.#configure()])
    for (const [what, code] of answers) {
      if (code === ErrorCodes.NONE) this.#figures.answered++
      else this.#figures.refused++
      if (code !== ErrorCodes.NONE && (must || !errorByCode(code).retriable))
        this.#figures.problems.push(`round ${round}: ${what} is answered ${errorByCode(code).name}`)
    }
    return answers.every(([, code]) => code === ErrorCodes.NONE)
  }

  async #produce(topic: string, partition: number): Promise<number> {
    const value = `${this.#count++} `.padEnd(1000 + (this.#count % 7) * 1500, '*')
    const answer = await produce(this.#client!, topic, partition, encodeBatch([{ key: 'k', value }]))
    if (topic === 'orders' && answer.errorCode === ErrorCodes.NONE)
      this.#acknowledged[partition]!.set(answer.baseOffset, value)
    return answer.errorCode
  }

  async #trim(): Promise<number> {
    const partition = { partitionIndex: 0, offset: -1 }
    const topics = [{ name: 'trimmed', partitions: [partition] }]
    const answer = await this.#client!.call(DeleteRecords, 2, { topics, timeoutMs: 5000 })
    return answer.topics[0]!.partitions[0]!.errorCode
  }

  async #create(name: string): Promise<number> {
    const numPartitions = name === 'orders' ? partitions : 1
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
    const answer = await this.#client!.call(CreateTopics, 7, { topics, timeoutMs: 5000 })
    return answer.topics[0]!.errorCode
  }

  async #commit(): Promise<number> {
    await this.#client!.call(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['readers'] })
    const partition = {
      ...{ partitionIndex: 0, committedOffset: this.#committed++ },
      ...{ committedLeaderEpoch: -1, committedMetadata: null },
    }
    const topics = [{ name: 'orders', partitions: [partition] }]
    const request = { groupId: 'readers', generationIdOrMemberEpoch: -1, memberId: '', topics }
    const answer = await this.#client!.call(OffsetCommit, 8, request)
    return answer.topics[0]!.partitions[0]!.errorCode
  }

  async #configure(): Promise<number> {
    const config = { name: 'max.message.bytes', configOperation: 0, value: String(1_000_000 + this.#count) }
    const resources = [{ resourceType: 2, resourceName: 'orders', configs: [config] }]
    const answer = await this.#client!.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    return answer.responses[0]!.errorCode
  }

  /** What was acknowledged is there, and nothing else but what may have been written without an answer. */
  async #reads(): Promise<void> {
    for (const [partition, acknowledged] of this.#acknowledged.entries()) {
      let found = 0
      for (let offset = 0; ; ) {
        const { responses } = await this.#client!.call(Fetch, 12, fetchRequest('orders', offset, { partition }))
        const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
        if (errorCode !== ErrorCodes.NONE) {
          this.#figures.problems.push(`orders-${partition} is not read at ${offset}: ${errorByCode(errorCode).name}`)
          break
        }
        if (offset >= highWatermark || records === null) break
        for (const batch of eachBatch(records)) {
          for (const record of decodeRecords(records, batch.at))
            if (acknowledged.get(record.offset) === Buffer.from(record.value!).toString()) found++
          offset = batch.baseOffset + batch.lastOffsetDelta + 1
        }
      }
      if (found !== acknowledged.size)
        this.#figures.problems.push(`orders-${partition} has ${found} of ${acknowledged.size} records`)
    }
  }
}
