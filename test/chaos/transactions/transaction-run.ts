/**
 * A topic that is fed, processors that write what they read from it in transactions, through a proxy, and a reader of what is committed.
 * Whoever runs it does harm; in the end the history is judged.
 *
 *     feeder ──▶ input ──▶ processors ══ proxy ══▶ output ──▶ reader of committed records
 */
import { Kafka } from '@odradek/client'
import type { Address } from '@odradek/world'
import { anomalyText } from '../../history/anomaly.ts'
import { checkHistory, countByName } from '../../history/check-history.ts'
import type { Polled } from '../../history/history-event.ts'
import type { Chaos } from '../chaos.ts'
import { PacedProducer } from '../load/paced-producer.ts'
import { Progress } from '../load/progress.ts'
import { type Flaws, flawsOf, outputOf } from './exactly-once.ts'
import { type Ledger, type ProcessorOptions, ProcessorProcess } from './processor-process.ts'
import { StableOffsets } from './stable-offsets.ts'

export interface TransactionRunOptions {
  readonly rules: ProcessorOptions['rules']
  /** Of the broker. */
  readonly bootstrap: string
  /** Before it; processors know nothing else. */
  readonly proxy: Address
  readonly transactionTimeoutMs: number
}

export interface TransactionVerdict {
  readonly flaws: Flaws
  readonly counts: ReadonlyMap<string, number>
  readonly texts: readonly string[]
  readonly inputs: number
  readonly commits: number
  readonly aborts: ReadonlyMap<string, number>
  readonly doubts: number
  /** Readers of committed records, in all and since the last start of the broker. */
  readonly stalledMs: number
  readonly stalledSinceStartMs: number
  /** Transactions that are open in a partition, and nobody will end. */
  readonly hanging: number
}

const partitions = 6
const copies = 2
const [input, output, group] = ['orders', 'bills', 'billing']

export class TransactionRun {
  readonly #chaos: Chaos
  readonly #options: TransactionRunOptions
  readonly #kafka: Kafka
  readonly #ledger: Ledger = { events: [], commits: new Progress(), aborts: new Map(), doubts: 0 }
  readonly #stopFeeding = new AbortController()
  readonly #observing = new AbortController()
  readonly #processors: ProcessorProcess[] = []
  #feeding: Promise<void> | undefined
  #observed: Promise<void> | undefined
  #stable: StableOffsets | undefined
  #names = 0

  constructor(chaos: Chaos, options: TransactionRunOptions) {
    this.#chaos = chaos
    this.#options = options
    this.#kafka = chaos.use(new Kafka({ brokers: options.bootstrap, retryTimeoutMs: 120_000 }))
  }

  async start(processors: number): Promise<void> {
    await this.#kafka.admin().topics.create([
      { name: input, partitions },
      { name: output, partitions },
    ])
    this.#stable = new StableOffsets(this.#kafka, output, partitions)
    this.#observed = this.#observe()
    this.#feeding = this.#feed()
    for (let i = 0; i < processors; i++) this.begin()
    await this.progress()
  }

  /** A processor of that id, or of a fresh one. */
  begin(transactionalId?: string): ProcessorProcess {
    const { rules, proxy, transactionTimeoutMs } = this.#options
    const name = `${rules}p${this.#names++}`
    const own = { name, transactionalId: transactionalId ?? `billing-${name}` }
    const options = { ...own, rules, proxy, transactionTimeoutMs, group, input, output, partitions }
    const processor = new ProcessorProcess(this.#chaos, options, this.#ledger)
    this.#processors.push(processor)
    return processor
  }

  brokerStarted(): void {
    this.#stable!.brokerStarted()
  }

  get alive(): readonly ProcessorProcess[] {
    return this.#processors.filter(({ isAlive }) => isAlive)
  }

  get commits(): number {
    return this.#ledger.commits.count
  }

  /** Resolves after some more commits. */
  async progress(commits = 5): Promise<void> {
    let limit: NodeJS.Timeout
    const late = new Promise<never>((_, reject) => {
      const words = () => `no progress after ${this.commits} commits, ${JSON.stringify([...this.#ledger.aborts])}`
      limit = setTimeout(() => reject(new Error(words())), 90_000)
    })
    await Promise.race([this.#ledger.commits.more(commits), late]).finally(() => clearTimeout(limit))
  }

  /** Everything that was fed is processed, everybody stops, and what there is is judged. */
  async finish(): Promise<TransactionVerdict> {
    this.#stopFeeding.abort()
    await this.#feeding
    await this.#allProcessed()
    await Promise.all(this.#processors.map(processor => processor.kill()))
    await this.#stable!.settled(this.#options.transactionTimeoutMs + 15_000)
    const { longestMs: stalledMs, longestSinceStartMs: stalledSinceStartMs, undecided } = this.#stable!
    const found = await this.#kafka
      .admin()
      .transactions.findHanging({ topics: [output], now: Date.now(), olderThanMs: 0 })
    await this.#stable![Symbol.asyncDispose]()
    this.#observing.abort()
    await this.#observed
    const [inputs, outputs] = [await this.#readInputs(), await this.#readOutputs()]
    const { events, commits, aborts, doubts } = this.#ledger
    const { failures } = checkHistory(events)
    return {
      flaws: flawsOf(inputs, copies, outputs.map(outputOf)),
      counts: countByName(failures),
      texts: failures.slice(0, 5).map(anomalyText),
      ...{ inputs: inputs.length, commits: commits.count, aborts, doubts, stalledMs, stalledSinceStartMs },
      hanging: Math.max(undecided, found.length),
    }
  }

  async #feed(): Promise<void> {
    await using producer = this.#kafka.producer({ deliveryTimeoutMs: 180_000, lingerMs: 5 })
    const send = async (n: number) => void (await producer.send(input, { value: `i${n}`, partition: n % partitions }))
    await new PacedProducer(send, { perSecond: 150, mostOpen: 100 }).run(this.#stopFeeding.signal)
  }

  async #observe(): Promise<void> {
    const process = 'observer'
    const places = Array.from({ length: partitions }, (_, partition) => ({ topic: output, partition }))
    this.#ledger.events.push({ kind: 'assign', process, partitions: places.map(at => `${at.topic}/${at.partition}`) })
    const consumer = this.#kafka.consumer({ partitions: places, from: 'earliest', isolation: 'read_committed' })
    this.#observing.signal.addEventListener('abort', () => void consumer.close())
    for await (const batch of consumer.batches({ max: 500, maxWaitMs: 50 }))
      this.#ledger.events.push({ kind: 'poll', process, records: batch.map(polled) })
  }

  async #allProcessed(): Promise<void> {
    const { topics, groups } = this.#kafka.admin()
    const ends = new Map((await topics.offsets(input, 'latest')).map(({ partition, offset }) => [partition, offset]))
    const until = performance.now() + 120_000
    for (;;) {
      const committed = await groups.offsets(group)
      const left = committed.filter(({ partition, offset }) => offset < ends.get(partition)!)
      if (committed.length === ends.size && left.length === 0) return
      if (performance.now() > until) throw new Error(`not processed after two minutes: ${JSON.stringify(left)}`)
      await pause(300)
    }
  }

  async #readInputs(): Promise<string[]> {
    const records = await Array.fromAsync(this.#kafka.read(input))
    return records.map(record => polled(record).value)
  }

  async #readOutputs(): Promise<string[]> {
    const process = 'reader'
    const { events } = this.#ledger
    const ends = await this.#kafka.admin().topics.offsets(output, 'latest')
    events.push({ kind: 'assign', process, partitions: ends.map(({ partition }) => `${output}/${partition}`) })
    const values: string[] = []
    for await (const record of this.#kafka.read(output, { isolation: 'read_committed' })) {
      const seen = polled(record)
      events.push({ kind: 'poll', process, records: [seen] })
      values.push(seen.value)
    }
    for (const { partition, offset: highWatermark } of ends)
      events.push({ kind: 'end', process, partition: `${output}/${partition}`, logStart: 0, highWatermark })
    return values
  }
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

function polled(record: { topic: string; partition: number; offset: number; value: unknown }): Polled {
  const { topic, partition, offset } = record
  return { partition: `${topic}/${partition}`, offset, value: Buffer.from(record.value as Uint8Array).toString() }
}
