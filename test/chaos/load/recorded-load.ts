/**
 * Producers, members of a group and an admin at work on one topic, and the history of what they were told, for `test/history` to check.
 *
 * Each record's value begins with a name that no other record has. Whatever was in the topic before is not part of the history.
 */
import type { ConsumerRecord, Kafka } from '@odradek/client'
import { anomalyText } from '../../history/anomaly.ts'
import { checkHistory, countByName } from '../../history/check-history.ts'
import type { HistoryEvent, Polled } from '../../history/history-event.ts'
import { PacedProducer } from './paced-producer.ts'
import { Progress } from './progress.ts'

export interface LoadOptions {
  /** A handle of its own for whoever asks: clients share nothing. */
  readonly connect: () => Kafka
  readonly topic?: string
  readonly producers?: number
  readonly partitions?: number
  readonly members?: number
  /** Records of each producer in a second. */
  readonly perSecond?: number
  readonly valueBytes?: number
}

export interface LoadVerdict {
  /** How often each anomaly was found, with how the first ones came about. */
  readonly counts: ReadonlyMap<string, number>
  readonly texts: readonly string[]
  readonly acknowledged: number
  readonly read: number
  readonly commits: number
  readonly rebalances: number
  readonly unknown: number
}

export const group = 'readers'

export class RecordedLoad {
  readonly events: HistoryEvent[] = []
  readonly sends = new Progress()
  readonly polls = new Progress()
  readonly commits = new Progress()
  readonly topic: string
  readonly #options: Required<LoadOptions>
  readonly #stopping = new AbortController()
  #lanes: Promise<void>[] = []
  #handles: Kafka[] = []
  #starts: number[] = []

  constructor(options: LoadOptions) {
    this.#options = {
      topic: 'load',
      producers: 4,
      partitions: 8,
      members: 2,
      perSecond: 250,
      valueBytes: 100,
      ...options,
    }
    this.topic = this.#options.topic
  }

  /** Everybody begins; the topic is made when it is missing. */
  async start(): Promise<void> {
    const { topic, partitions, producers, members } = this.#options
    const { topics } = this.#handle().admin()
    await topics.create({ name: topic, partitions }, { ifNotExists: true })
    const ends = await topics.offsets(topic, 'latest')
    this.#starts = ends.map(({ offset }) => offset)
    if (members > 0) await this.#beginAtEnd()
    for (let i = 0; i < producers; i++) this.#go(`producer p${i}`, this.#produce(`p${i}`))
    for (let i = 0; i < members; i++) this.#go(`member m${i}`, this.#consume(`m${i}`))
    this.#go('the admin', this.#ask())
  }

  /** Resolves after more has been sent, read and committed; rejects when somebody of the load has failed, or after two minutes. */
  async progress(): Promise<void> {
    const lanes = Promise.all(this.#lanes).then(() => {})
    const all = [this.sends.more(20), this.polls.more(2), ...(this.#options.members > 0 ? [this.commits.more(2)] : [])]
    let limit: NodeJS.Timeout
    const late = new Promise<never>((_, reject) => {
      const counts = `${this.sends.count} sent, ${this.polls.count} read, ${this.commits.count} commits`
      limit = setTimeout(() => reject(new Error(`the load makes no progress: ${counts}`)), 120_000)
    })
    await Promise.race([Promise.all(all), lanes, late]).finally(() => clearTimeout(limit))
  }

  get acknowledged(): number {
    return this.sends.count
  }

  get rebalances(): number {
    return this.events.filter(event => event.kind === 'assign' && event.process !== 'reader').length
  }

  /** Everybody stops; what is in the log is read from its start to its end, and the history judged. */
  async finish(): Promise<LoadVerdict> {
    const { rebalances } = this
    this.#stopping.abort()
    await Promise.all(this.#lanes)
    await this.#ask(1)
    await this.#readAll()
    await Promise.all(this.#handles.map(handle => handle.close()))
    const { failures } = checkHistory(this.events)
    const of = (kind: HistoryEvent['kind']) => this.events.reduce((n, event) => n + (event.kind === kind ? 1 : 0), 0)
    return {
      counts: countByName(failures),
      texts: failures.slice(0, 5).map(anomalyText),
      acknowledged: of('sent'),
      read: this.polls.count,
      commits: of('committed'),
      rebalances,
      unknown: of('send-unknown'),
    }
  }

  /** The group begins where the log ends now. */
  async #beginAtEnd(): Promise<void> {
    const { topic } = this
    const begins = this.#starts.map((offset, partition) => ({ topic, partition, offset }))
    for (const kind of ['commit', 'committed'] as const)
      for (const { partition, offset } of begins)
        this.events.push({ kind, group, partition: `${topic}/${partition}`, offset })
    await this.#handle().admin().groups.setOffsets(group, begins)
  }

  #handle(): Kafka {
    const handle = this.#options.connect()
    this.#handles.push(handle)
    return handle
  }

  #go(who: string, lane: Promise<void>): void {
    const failed = (cause: unknown) => {
      throw new Error(`${who} has failed: ${cause}`, { cause })
    }
    this.#lanes.push(lane.catch(failed))
  }

  async #produce(process: string): Promise<void> {
    const { topic, partitions, perSecond, valueBytes } = this.#options
    await using producer = this.#handle().producer({ deliveryTimeoutMs: 180_000, lingerMs: 2 })
    const send = async (n: number) => {
      const value = `${process}-${n}`
      const partition = n % partitions
      this.events.push({ kind: 'send', process, value, partition: `${topic}/${partition}` })
      try {
        const sent = await producer.send(topic, { value: value.padEnd(valueBytes), partition })
        this.events.push({ kind: 'sent', value, partition: `${topic}/${partition}`, offset: sent.offset })
        this.sends.add()
      } catch (error) {
        this.events.push({ kind: 'send-unknown', value, reason: String(error) })
      }
    }
    await new PacedProducer(send, { perSecond, mostOpen: 200 }).run(this.#stopping.signal)
  }

  async #consume(process: string): Promise<void> {
    const { topic } = this.#options
    const consumer = this.#handle().consumer({
      group,
      topics: [topic],
      from: 'earliest',
      commit: 'manual',
      onAssigned: partitions => {
        const names = partitions.map(({ partition }) => `${topic}/${partition}`)
        this.events.push({ kind: 'assign', process, partitions: names })
      },
    })
    this.#stopping.signal.addEventListener('abort', () => void consumer.close())
    for await (const batch of consumer.batches({ max: 500, maxWaitMs: 20 })) {
      const records = batch.map(polled)
      this.events.push({ kind: 'poll', process, records })
      for (const _ of records) this.polls.add()
      await this.#commit(process, records, () => batch.commit())
    }
  }

  async #commit(process: string, records: readonly Polled[], commit: () => Promise<void>): Promise<void> {
    const offsets = [...new Map(records.map(({ partition, offset }) => [partition, offset + 1]))]
    const note = (kind: 'commit' | 'committed') => {
      for (const [partition, offset] of offsets) this.events.push({ kind, group, process, partition, offset })
    }
    note('commit')
    try {
      await commit()
      note('committed')
      this.commits.add()
    } catch {
      // Not answered: it may have been written, and the partitions may be somebody else's by now.
    }
  }

  /** What is committed, again and again; or so often. */
  async #ask(times = Number.POSITIVE_INFINITY): Promise<void> {
    const { groups } = this.#handle().admin()
    for (let n = 0; n < times && (times === 1 || !this.#stopping.signal.aborted); n++) {
      const id = `${times === 1 ? 'last' : 'ask'}-${n}`
      this.events.push({ kind: 'fetch-committed', id })
      for (const { topic, partition, offset } of await groups.offsets(group))
        this.events.push({ kind: 'fetched-committed', id, group, partition: `${topic}/${partition}`, offset })
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }

  async #readAll(): Promise<void> {
    const { topic } = this.#options
    const kafka = this.#handle()
    const ends = await kafka.admin().topics.offsets(topic, 'latest')
    const process = 'reader'
    this.events.push({ kind: 'assign', process, partitions: ends.map(({ partition }) => `${topic}/${partition}`) })
    const from = { offsets: Object.fromEntries(this.#starts.entries()) }
    for await (const record of kafka.read(topic, { from }))
      this.events.push({ kind: 'poll', process, records: [polled(record)] })
    for (const { partition, offset } of ends) {
      const logStart = this.#starts[partition]!
      this.events.push({ kind: 'end', process, partition: `${topic}/${partition}`, logStart, highWatermark: offset })
    }
  }
}

function polled({ topic, partition, offset, value }: ConsumerRecord): Polled {
  return {
    partition: `${topic}/${partition}`,
    offset,
    value: Buffer.from(value as Uint8Array)
      .toString()
      .trimEnd(),
  }
}
