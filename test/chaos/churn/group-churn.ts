/**
 * A group whose members come and go, are killed and stand still, while its topic is written to. Slots are fixed: who leaves one is
 * followed by somebody else.
 *
 *     slots     0 1 2 3 4 │ 5 6 7 8 9 │ …       as many members
 *     processes     p0    │    p1     │ …       killed and stopped as a whole
 */
import { Kafka } from '@odradek/client'
import type { Chaos } from '../chaos.ts'
import { PacedProducer } from '../load/paced-producer.ts'
import { type ChurnLedger, type MemberKind, MemberProcess, now } from './member-process.ts'
import { ownedTwiceAtOnce, ownedTwiceInGeneration, ownersNow, unprocessed } from './ownership.ts'

export interface GroupChurnOptions {
  readonly bootstrap: string
  readonly name: string
  readonly kinds: readonly MemberKind[]
  readonly processes: number
  readonly membersOfEach: number
  /** Longer than a session. */
  readonly stillMs: number
}

export interface ChurnVerdict {
  readonly inGeneration: readonly string[]
  readonly atOnce: readonly string[]
  readonly unprocessed: number
  readonly failures: readonly string[]
  readonly stableMs: number
  readonly records: number
  readonly joins: number
  readonly generations: number
}

const partitions = 64
const stableLimitMs = 90_000
/** Nothing has changed for so long. */
const quietMs = 4_000

export class GroupChurn {
  readonly #chaos: Chaos
  readonly #options: GroupChurnOptions
  readonly #kafka: Kafka
  readonly #ledger: ChurnLedger = { ownership: [], processed: new Map(), failures: [], joins: 0 }
  readonly #processes: MemberProcess[] = []
  readonly #stopFeeding = new AbortController()
  readonly #deeds: Promise<void>[] = []
  #feeding: Promise<void> | undefined
  #names = 0

  constructor(chaos: Chaos, options: GroupChurnOptions) {
    this.#chaos = chaos
    this.#options = options
    this.#kafka = chaos.use(new Kafka({ brokers: options.bootstrap, retryTimeoutMs: 120_000 }))
  }

  async start(): Promise<void> {
    const { processes, name } = this.#options
    await this.#kafka.admin().topics.create({ name, partitions })
    this.#feeding = this.#feed()
    for (let i = 0; i < processes; i++) this.#processes.push(this.#process(i))
    const { ms } = await this.#stable(now())
    this.#chaos.say(`${name}: ${this.#members} members are there after ${seconds(ms)} s`)
  }

  /** For so long, something happens every so often. */
  async churn(ms: number, everyMs: number): Promise<void> {
    const until = now() + ms
    while (now() < until) {
      this.#something()
      await pause(everyMs * (0.5 + this.#chaos.random.next()))
    }
    await Promise.all(this.#deeds)
  }

  /** One process is killed for good, and nobody comes or goes any more: how long until that shows, and what was wrong until then. */
  async finish(): Promise<ChurnVerdict> {
    const last = now()
    await this.#processes.pop()!.kill()
    const { ms: stableMs, why } = await this.#stable(last)
    if (why !== undefined) this.#chaos.say(`${this.#options.name}: ${why}`)
    this.#stopFeeding.abort()
    await this.#feeding
    const ends = await this.#kafka.admin().topics.offsets(this.#options.name, 'latest')
    const left = () =>
      ends.reduce(
        (sum, { partition, offset }) => sum + unprocessed(this.#ledger.processed.get(partition) ?? [], offset).length,
        0,
      )
    for (const until = now() + 60_000; left() > 0 && now() < until; ) await pause(300)
    await Promise.all(this.#processes.map(process => process.kill()))
    const { ownership, failures, joins } = this.#ledger
    return {
      inGeneration: ownedTwiceInGeneration(ownership).map(({ what }) => what),
      atOnce: ownedTwiceAtOnce(ownership).map(({ what }) => what),
      unprocessed: left(),
      ...{ failures, stableMs, joins },
      records: ends.reduce((sum, { offset }) => sum + offset, 0),
      generations: new Set(ownership.map(event => (event.kind === 'owns' ? event.generation : -1))).size,
    }
  }

  get #members(): number {
    return this.#processes.reduce((sum, { slots }) => sum + slots.size, 0)
  }

  #process(index: number): MemberProcess {
    const { bootstrap, name, kinds, membersOfEach } = this.#options
    const options = { name: `p${index}.${this.#names++}`, bootstrap, group: name, topic: name, kinds }
    const process = new MemberProcess(this.#chaos, options, this.#ledger)
    for (let i = 0; i < membersOfEach; i++) process.join(index * membersOfEach + i)
    return process
  }

  #something(): void {
    const { random } = this.#chaos
    const index = random.int(this.#processes.length)
    const chance = random.next()
    if (chance < 0.15) this.#deed(this.#replaced(index, random.chance(0.5) ? 0 : 2_000))
    else if (chance < 0.2) this.#deed(this.#processes[index]!.standStill(this.#options.stillMs))
    else this.#deed(this.#left(this.#processes[index]!, random.chance(0.5) ? 50 : 2_000))
  }

  #deed(deed: Promise<void>): void {
    this.#deeds.push(deed)
  }

  /** One leaves, and after a while another one comes. */
  async #left(process: MemberProcess, afterMs: number): Promise<void> {
    const slots = [...process.slots]
    const slot = slots[this.#chaos.random.int(slots.length)]
    if (slot === undefined) return
    process.leave(slot)
    await pause(afterMs)
    process.join(slot)
  }

  async #replaced(index: number, afterMs: number): Promise<void> {
    await this.#processes[index]!.kill()
    await pause(afterMs)
    this.#processes[index] = this.#process(index)
  }

  /** Each partition has one owner, all members take part, and that has not changed for a while. */
  async #stable(since: number): Promise<{ ms: number; why?: string }> {
    for (;;) {
      const { ownership } = this.#ledger
      const changed = ownership.reduce((last, { at }) => Math.max(last, at), since)
      const why = this.#unstable()
      if (why === undefined && now() - changed > quietMs) return { ms: changed - since }
      if (now() - since > stableLimitMs) return { ms: now() - since, why: why ?? 'it goes on changing' }
      await pause(200)
    }
  }

  #unstable(): string | undefined {
    const owners = ownersNow(this.#ledger.ownership)
    if (owners.size < partitions) return `${partitions - owners.size} partitions have no owner`
    if ([...owners.values()].some(members => members.length > 1)) return 'partitions have two owners'
    const working = new Set([...owners.values()].flat()).size
    return working < this.#members ? `${this.#members - working} members own nothing` : undefined
  }

  async #feed(): Promise<void> {
    await using producer = this.#kafka.producer({ deliveryTimeoutMs: 180_000 })
    const { name } = this.#options
    const send = async (n: number) => void (await producer.send(name, { value: `${n}`, partition: n % partitions }))
    await new PacedProducer(send, { perSecond: 200, mostOpen: 200 }).run(this.#stopFeeding.signal)
  }
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const seconds = (ms: number) => Math.round(ms / 100) / 10
