import type { TestContext } from 'node:test'
import { Kafka } from '@odradek/client'
import { encodeBatch, Fetch, Produce } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, produceRequest } from '../../packages/broker/src/testing/test-broker.ts'
import { ServeProcess } from '../durability/serve-process.ts'
import { closing } from '../interop/broker-under-test.ts'

/** A small nursery, so that resident memory shows what is held and not what V8 has put off to collect. */
const nodeFlags = ['--max-semi-space-size=1']

/** A broker in a process of its own, and a bystander who must notice nothing of what is done to it. */
export class Target {
  readonly broker: ServeProcess
  readonly bystander: Bystander
  readonly #t: TestContext
  readonly #baselineBytes: number

  /** `storage`: where it keeps its records. */
  static async start(t: TestContext, storage: readonly string[] = ['--memory']): Promise<Target> {
    const broker = await ServeProcess.start(['--listen', '127.0.0.1:0', ...storage], { nodeFlags })
    closing(t).defer(async () => void (await broker.end('SIGKILL')))
    const bystander = new Bystander(await RawClient.connect(realWire, broker.address))
    closing(t).defer(() => bystander.end())
    await bystander.rounds(200)
    return new Target(t, broker, bystander)
  }

  private constructor(t: TestContext, broker: ServeProcess, bystander: Bystander) {
    this.#t = t
    this.broker = broker
    this.bystander = bystander
    this.#baselineBytes = broker.residentBytes
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(realWire, this.broker.address)
    closing(this.#t).defer(() => client.close())
    return client
  }

  kafka(): Kafka {
    const kafka = new Kafka({ brokers: this.broker.bootstrap })
    closing(this.#t).defer(() => kafka.close())
    return kafka
  }

  /** How much more memory it has had at a time than before it was attacked. */
  get grownBytes(): number {
    return this.broker.peakBytes - this.#baselineBytes
  }

  /** Resolves with the next line of the broker's log that matches, after those seen before. */
  async line(says: RegExp, from = 0): Promise<string> {
    for (let deadline = Date.now() + 10_000; ; ) {
      const found = this.broker.lines.slice(from).find(line => says.test(line))
      if (found !== undefined) return found
      if (Date.now() > deadline)
        throw new Error(`the broker never said ${says}; it said:\n${this.broker.lines.slice(from).join('\n')}`)
      await this.bystander.rounds(1)
    }
  }
}

/** Produces a record and fetches it again, over and over, on a connection of its own. */
export class Bystander {
  /** Milliseconds of its slowest round since `forget`. */
  slowestMs = 0
  done = 0
  readonly #client: RawClient
  readonly #record = encodeBatch([{ value: 'undisturbed' }])
  readonly #waiting: { until: number; wake: () => void }[] = []
  readonly #over: Promise<void>
  #isEnded = false
  #failure: unknown

  constructor(client: RawClient) {
    this.#client = client
    this.#over = this.#run().catch(error => {
      this.#failure = error
      this.#wake()
    })
  }

  /** Resolves after so many more rounds; rejects when it was disturbed. */
  rounds(count: number): Promise<void> {
    return new Promise<void>(wake => {
      this.#waiting.push({ until: this.done + count, wake })
      if (this.#failure !== undefined) this.#wake()
    }).then(() => {
      if (this.#failure !== undefined) throw this.#failure
    })
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#over
    this.#client.close()
  }

  async #run(): Promise<void> {
    const { Metadata } = await import('@odradek/protocol')
    await this.#client.call(Metadata, 12, { topics: [{ name: 'bystander' }], allowAutoTopicCreation: true })
    while (!this.#isEnded) {
      const start = performance.now()
      const { responses } = await this.#client.call(Produce, 9, produceRequest('bystander', this.#record.slice()))
      const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
      if (errorCode !== 0) throw new Error(`the bystander's record was refused with error ${errorCode}`)
      const fetched = await this.#client.call(Fetch, 12, fetchRequest('bystander', baseOffset))
      if (!fetched.responses[0]!.partitions[0]!.records?.length) throw new Error('the bystander cannot read its record')
      this.slowestMs = Math.max(this.slowestMs, performance.now() - start)
      this.done++
      this.#wake()
    }
  }

  #wake(): void {
    for (const waiter of this.#waiting.splice(0)) {
      if (this.#failure !== undefined || this.done >= waiter.until) waiter.wake()
      else this.#waiting.push(waiter)
    }
  }
}
