/** The engine that a contract test works on, with its answers waited for. */
import { ErrorCodes } from '@odradek/protocol'
import type { AppendBatch, Appended, LogEngine, ReadRequest, ReadResult, TopicSpec } from '../engine.ts'
import { topicOf } from '../testing/batches.ts'

/** An engine that can be started again on the same data. */
export interface EngineUnderTest {
  /** The first start and every later one gives a leader epoch one higher, from 0. */
  start(): Promise<LogEngine>
  /** Drives the engine's world until the promise has settled. */
  settle<T>(promise: Promise<T>): Promise<T>
  /** Whatever the engine left behind. */
  dispose(): Promise<void>
}

/** By what must hold. */
export type ContractTests = Record<string, (bench: Bench) => Promise<void>>

export class Bench {
  #under!: EngineUnderTest
  #engine!: LogEngine
  #topics = new Map<string, TopicSpec>()

  async begin(under: EngineUnderTest): Promise<void> {
    this.#under = under
    this.#engine = await this.settle(under.start())
    this.#topics.clear()
  }

  async end(): Promise<void> {
    await this.settle(this.#engine.close({ drain: false }))
    await this.#under.dispose()
  }

  get engine(): LogEngine {
    return this.#engine
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.#under.settle(promise)
  }

  async open(topic: TopicSpec = topicOf()): Promise<void> {
    this.#topics.set(topic.topicId, topic)
    await this.settle(this.#engine.open(topic))
  }

  /** Stops and starts on the same data; opens the topics again. */
  async restart({ drain }: { drain: boolean }): Promise<void> {
    await this.settle(this.#engine.close({ drain }))
    this.#engine = await this.settle(this.#under.start())
    for (const topic of this.#topics.values()) await this.settle(this.#engine.open(topic))
  }

  append(batches: AppendBatch[], acks: 0 | 1 | -1 = -1): Promise<Appended[]> {
    return this.settle(this.#engine.append(batches, { acks, deadline: Number.POSITIVE_INFINITY }))
  }

  async read(offset: number, options: Partial<ReadRequest> & { minOne?: boolean } = {}): Promise<ReadResult> {
    const { minOne = true, ...request } = options
    const read: ReadRequest = { partition: 1, offset, maxBytes: 1_000_000, isolation: 'uncommitted', ...request }
    const [result] = await this.settle(this.#engine.read([read], { maxBytes: 10_000_000, minOne }))
    return result!
  }
}

export const never: AbortSignal = new AbortController().signal

export const offsets = (appended: Appended[]): (number | string)[] =>
  appended.map(answer => (answer.ok ? answer.baseOffset : errorName(answer.error)))
const errorName = (code: number): string => Object.entries(ErrorCodes).find(([, value]) => value === code)![0]
export const errorOf = (result: { ok: boolean; error?: number } | undefined): string =>
  result === undefined || result.ok ? 'none' : errorName(result.error!)
