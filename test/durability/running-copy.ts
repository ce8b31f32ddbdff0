/**
 * A data folder copied file by file, in any order, while its broker runs under load: a broker on the copy starts, has everything that
 * was acknowledged before the copy began, and nothing that was never written. What came after may be there or not.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  CreateTopics,
  DeleteTopics,
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  Fetch,
  FindCoordinator,
  Metadata,
  OffsetCommit,
  OffsetFetch,
} from '@odradek/protocol'
import type { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest } from '../../packages/broker/src/testing/test-broker.ts'
import { type Dice, dice } from './dice.ts'
import { brokerOn, produce, scratchFolder } from './written-folder.ts'

export interface RunningCopyFigures {
  copies: number
  /** Records acknowledged before their copy began, over all copies. */
  acknowledged: number
  /** Records of after it that were there, too. */
  later: number
  problems: string[]
}

/** The fuller a folder, the longer its copy takes, and the more is written meanwhile: it would grow without end. */
const copiesPerFolder = 5

export async function runningCopies({ copies, seed }: { copies: number; seed: number }): Promise<RunningCopyFigures> {
  const figures: RunningCopyFigures = { copies: 0, acknowledged: 0, later: 0, problems: [] }
  const throwing = dice(seed)
  for (let done = 0; done < copies; done += copiesPerFolder)
    await copiesOfOneFolder(Math.min(copiesPerFolder, copies - done), throwing, figures)
  return figures
}

async function copiesOfOneFolder(copies: number, throwing: Dice, figures: RunningCopyFigures): Promise<void> {
  const folder = scratchFolder()
  const { broker, client } = await brokerOn(folder)
  const load = new Load(client)
  try {
    await load.begin()
    const running = load.run()
    for (let i = 0; i < copies; i++) {
      load.resume()
      await load.written(60)
      const copy = scratchFolder()
      try {
        const before = load.state()
        await copyWhileRunning(folder, copy, throwing)
        load.pause()
        await checkCopy(copy, before, load, figures, `copy ${figures.copies}`)
      } finally {
        rmSync(copy, { recursive: true, force: true })
      }
    }
    load.end()
    await running
  } finally {
    client.close()
    await broker.close({ drain: false })
    rmSync(folder, { recursive: true, force: true })
  }
}

const noId = '00000000-0000-0000-0000-000000000000'
const partitions = 4
const textOf = (partition: number, offset: number): string =>
  `${partition}/${offset} `.padEnd(60 + ((offset * 37) % 900), '*')

interface Acknowledged {
  /** Records of each partition of `orders`. */
  ends: number[]
  committed: number
  topics: string[]
}

/** Records, commits, and topics that come and go. */
class Load {
  readonly #client: RawClient
  readonly #ends = Array.from({ length: partitions }, () => 0)
  readonly #topics = new Set<string>(['orders'])
  #committed = 0
  #isEnding = false
  #paused: Promise<void> = Promise.resolve()
  #resume: (() => void) | undefined

  constructor(client: RawClient) {
    this.#client = client
  }

  async begin(): Promise<void> {
    await this.#create('orders', partitions)
  }

  /** What was answered by now; a topic that is being deleted is not counted. */
  state(): Acknowledged {
    return { ends: [...this.#ends], committed: this.#committed, topics: [...this.#topics] }
  }

  pause(): void {
    if (this.#resume !== undefined) return
    this.#paused = new Promise(resolve => {
      this.#resume = resolve
    })
  }

  resume(): void {
    this.#resume?.()
    this.#resume = undefined
  }

  end(): void {
    this.#isEnding = true
    this.resume()
  }

  /** Resolves when so many more records are acknowledged. */
  async written(count: number): Promise<void> {
    const sum = () => this.#ends.reduce((a, b) => a + b, 0)
    for (const goal = sum() + count; sum() < goal && !this.#isEnding; ) await turn()
  }

  async run(): Promise<void> {
    const lanes = this.#ends.map((_, partition) => this.#produce(partition))
    try {
      await Promise.all([...lanes, this.#commit(), this.#changeTopics()])
    } finally {
      this.#isEnding = true
    }
  }

  async #produce(partition: number): Promise<void> {
    for (; !this.#isEnding; await this.#paused) {
      const from = this.#ends[partition]!
      const records = Array.from({ length: 1 + (from % 3) }, (_, i) => ({
        key: 'k',
        value: textOf(partition, from + i),
      }))
      const { errorCode, baseOffset } = await produce(this.#client, 'orders', partition, encodeBatch(records))
      if (errorCode !== 0 || baseOffset !== from) throw new Error(`not written: ${errorCode} at ${baseOffset}`)
      this.#ends[partition] = from + records.length
    }
  }

  async #commit(): Promise<void> {
    for (let offset = 1; !this.#isEnding; offset++, await this.#paused) {
      const partition = {
        partitionIndex: 0,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: null,
      }
      await this.#client.call(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['readers'] })
      const topics = [{ name: 'orders', partitions: [partition] }]
      const request = { groupId: 'readers', generationIdOrMemberEpoch: -1, memberId: '', topics }
      const answer = await this.#client.call(OffsetCommit, 8, request)
      if (answer.topics[0]!.partitions[0]!.errorCode === 0) this.#committed = offset
      else await turn()
    }
  }

  async #changeTopics(): Promise<void> {
    for (let i = 0; !this.#isEnding; i++, await this.#paused) {
      const name = `topic-${i}`
      await this.#create(name, 2)
      this.#topics.add(name)
      if (i < 3) continue
      const gone = `topic-${i - 3}`
      this.#topics.delete(gone)
      await this.#client.call(DeleteTopics, 6, { topics: [{ name: gone, topicId: noId }], timeoutMs: 5000 })
    }
  }

  async #create(name: string, numPartitions: number): Promise<void> {
    const configs = [{ name: 'segment.bytes', value: '9000' }]
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }]
    const answer = await this.#client.call(CreateTopics, 7, { topics, timeoutMs: 5000 })
    if (answer.topics[0]!.errorCode !== 0) throw new Error(String(answer.topics[0]!.errorMessage))
  }
}

/** Chunk by chunk, each at another moment; what has gone meanwhile is left out, as by `cp -r`. */
async function copyWhileRunning(from: string, to: string, throwing: Dice): Promise<void> {
  const files = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(from.length + 1))
  while (files.length > 0) {
    const [file] = files.splice(throwing(files.length), 1)
    const source = await open(join(from, file!), 'r').catch(() => undefined)
    if (source === undefined) continue
    mkdirSync(dirname(join(to, file!)), { recursive: true })
    const target = await open(join(to, file!), 'w')
    const chunk = Buffer.alloc(4096 + throwing(500_000))
    for (;;) {
      const { bytesRead } = await source.read(chunk, 0, chunk.length, null)
      if (bytesRead === 0) break
      await target.write(chunk, 0, bytesRead)
      await turn()
    }
    await source.close()
    await target.close()
  }
}

async function checkCopy(folder: string, before: Acknowledged, load: Load, figures: RunningCopyFigures, what: string) {
  const problem = (text: string) => void figures.problems.push(`${what}: ${text}`)
  try {
    const { broker, client, lines } = await brokerOn(folder)
    const known = figures.problems.length
    figures.copies++
    const { topics } = await client.call(Metadata, 12, { topics: null })
    const names = topics.map(topic => topic.name)
    const stillThere = new Set(load.state().topics)
    for (const name of before.topics)
      if (!names.includes(name) && stillThere.has(name)) problem(`topic ${name} is missing`)
    for (let partition = 0; partition < partitions; partition++)
      await checkPartition(client, partition, before.ends[partition]!, figures, problem)
    const groups = [{ groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0] }] }]
    const answer = await client.call(OffsetFetch, 8, { groups, requireStable: false })
    const committed = answer.groups[0]!.topics[0]?.partitions[0]?.committedOffset ?? -1
    if (committed < before.committed || committed > load.state().committed + 1)
      problem(`committed offset ${committed}, was ${before.committed}`)
    client.close()
    await broker.close({ drain: false })
    if (figures.problems.length > known) problem(`the broker said ${lines.join('\n')}`)
  } catch (error) {
    problem((error as Error).stack ?? String(error))
  }
}

async function checkPartition(
  client: RawClient,
  partition: number,
  acknowledged: number,
  figures: RunningCopyFigures,
  problem: (text: string) => void,
): Promise<void> {
  let found = 0
  for (let offset = 0; ; ) {
    const { responses } = await client.call(Fetch, 12, fetchRequest('orders', offset, { partition }))
    const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
    if (errorCode === ErrorCodes.CORRUPT_MESSAGE && offset >= acknowledged) {
      offset++
      continue
    }
    if (errorCode !== ErrorCodes.NONE) return problem(`orders-${partition} answers ${errorCode} at ${offset}`)
    if (offset >= highWatermark || records === null) break
    for (const batch of eachBatch(records)) {
      for (const record of decodeRecords(records, batch.at)) {
        const value = Buffer.from(record.value ?? '').toString()
        if (value !== textOf(partition, record.offset))
          problem(`orders-${partition} serves '${value}' at ${record.offset}`)
        if (record.offset < acknowledged) found++
        else figures.later++
      }
      offset = batch.baseOffset + batch.lastOffsetDelta + 1
    }
  }
  figures.acknowledged += acknowledged
  if (found !== acknowledged) problem(`orders-${partition} has ${found} of ${acknowledged} records`)
  const { errorCode } = await produce(client, 'orders', partition, encodeBatch([{ key: 'k', value: 'next' }]))
  if (errorCode !== 0) problem(`orders-${partition} answers a new record with ${errorCode}`)
}
