/**
 * Transactions of producers that go on after crashes, at any write of the broker: each is seen whole, with its offsets, or not at all.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, errorByCode } from '@odradek/protocol'
import fc from 'fast-check'
import { type ClientAge, TransactionHost, type Who } from './testing/transaction-host.ts'

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), to: fc.integer({ min: 1, max: 7 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('offset' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'abort' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('init' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat(80) }) },
)
/** So many disk operations after a step of this number begins the power fails. */
const crash = fc.record({
  at: fc.nat(25),
  operations: fc.nat(9),
  /** What the client does about what it was not answered. */
  client: fc.constantFrom('again' as const, 'again' as const, 'giveUp' as const),
})
const story = fc.record({
  seed: fc.nat(1_000_000),
  usesJournal: fc.boolean(),
  age: fc.constantFrom<ClientAge>(1, 2, 2, 2),
  steps: fc.array(step, { minLength: 8, maxLength: 25 }),
  crashes: fc.uniqueArray(crash, { minLength: 1, maxLength: 8, selector: ({ at }) => at }),
})

interface Sent {
  readonly value: string
  readonly partition: number
  isAcknowledged: boolean
}

/** A transaction as its client knows it. */
interface Attempt {
  readonly sent: Sent[]
  offset: number
  isOffsetAcknowledged: boolean
  outcome: 'committed' | 'aborted' | 'unknown'
}

/** A client that asks again what it did not hear the answer to, and begins anew when it is told that it is out. */
class Client {
  readonly #host: TransactionHost
  readonly #age: ClientAge
  readonly attempts: Attempt[] = []
  /** Aborts rather than asking again what it was not answered. */
  givesUp = false
  #who: Who | undefined
  /** Of the last end, to send it again. */
  #lastEnd: { who: Who; committed: boolean } | undefined
  #sequences = new Map<number, number>()
  #open: Attempt | undefined
  #values = 0
  #highest = -1n

  constructor(host: TransactionHost, age: ClientAge) {
    this.#host = host
    this.#age = age
  }

  async take(action: { do: string; to?: number; ms?: number }): Promise<void> {
    if (action.do === 'pause') return void (await this.#host.world.clock.advance(action.ms!))
    if (action.do === 'init' || this.#who === undefined) await this.#init()
    if (action.do === 'send') await this.#send([0, 1, 2].filter(partition => (action.to! >> partition) & 1))
    else if (action.do === 'offset') await this.#offset()
    else if (action.do === 'commit' || action.do === 'abort') await this.#end(action.do === 'commit')
    else if (action.do === 'replay') await this.#replay()
  }

  async finish(): Promise<void> {
    await this.#init()
  }

  /** Asks until there is an answer other than to come again; a crash in between has it asked again. */
  async #ask<T>(ask: () => Promise<T>, errorOf: (answer: T) => number, unheard?: T): Promise<T> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const answer = await askOnce(this.#host, ask)
      if (answer === 'crashed' && this.givesUp && unheard !== undefined) return unheard
      if (answer !== 'crashed' && !isPassing(errorOf(answer))) return answer
      if (answer !== 'crashed') await this.#host.world.clock.advance(20)
    }
    throw new Error('there is no end of asking')
  }

  async #init(): Promise<void> {
    const { error, ...who } = await this.#ask(
      () => this.#host.init('tx'),
      answer => answer.error,
    )
    assert.equal(error, ErrorCodes.NONE)
    this.#become(who)
    this.#open = undefined
  }

  #become(who: Who): void {
    const rank = (who.producerId << 16n) + BigInt(who.epoch)
    assert(rank >= this.#highest, 'the epoch never goes back')
    if (rank > this.#highest) this.#sequences.clear()
    this.#highest = rank
    this.#who = who
  }

  #attempt(): Attempt {
    if (this.#open === undefined) {
      this.#open = { sent: [], offset: -1, isOffsetAcknowledged: false, outcome: 'aborted' }
      this.attempts.push(this.#open)
    }
    return this.#open
  }

  async #send(partitions: readonly number[]): Promise<void> {
    const attempt = this.#attempt()
    const sent = partitions.map(partition => ({ partition, value: `v${this.#values++}`, isAcknowledged: false }))
    attempt.sent.push(...sent)
    const records = sent.map(({ partition, value }) => ({
      ...{ partition, value, sequence: this.#sequences.get(partition) ?? 0 },
    }))
    const who = this.#who!
    const errors = await this.#ask(
      () => this.#host.send(who, this.#age, records),
      answer => answer.find(isPassing) ?? 0,
      partitions.map(() => gaveUp),
    )
    if (errors.includes(gaveUp)) return this.#giveUp()
    for (const [i, error] of errors.entries()) sent[i]!.isAcknowledged = error === ErrorCodes.NONE
    if (errors.some(error => error !== ErrorCodes.NONE)) return this.#out(errors.find(error => error !== 0)!)
    for (const { partition, sequence } of records) this.#sequences.set(partition, sequence + 1)
  }

  /** Where the epoch stays, nobody knows which sequence number is next. */
  #giveUp(): Promise<void> {
    return this.#age === 1 ? this.#init() : this.#end(false)
  }

  async #offset(): Promise<void> {
    const attempt = this.#attempt()
    attempt.offset = this.#values++
    attempt.isOffsetAcknowledged = false
    const who = this.#who!
    const error = await this.#ask(
      () => this.#host.commitOffset(who, this.#age, attempt.offset),
      code => code,
    )
    attempt.isOffsetAcknowledged = error === ErrorCodes.NONE
    if (error !== ErrorCodes.NONE) this.#out(error)
  }

  async #end(committed: boolean): Promise<void> {
    const attempt = this.#open
    if (attempt === undefined) return
    const who = this.#who!
    attempt.outcome = committed ? 'unknown' : 'aborted'
    const { error, ...next } = await this.#ask(
      () => this.#host.end(who, this.#age, committed),
      answer => answer.error,
    )
    this.#lastEnd = { who, committed }
    if (error !== ErrorCodes.NONE) return this.#out(error)
    if (committed) attempt.outcome = 'committed'
    this.#open = undefined
    this.#become(next)
  }

  /** An end that was delayed arrives once more, as on a second connection. Only where the epoch rises it can be told from the next. */
  async #replay(): Promise<void> {
    if (this.#lastEnd === undefined || this.#age === 1) return
    const { who, committed } = this.#lastEnd
    await askOnce(this.#host, () => this.#host.end(who, this.#age, committed))
  }

  #out(error: number): void {
    const name = errorByCode(error).name
    assert.match(name, /FENCED|EPOCH|TXN_STATE|ABORTABLE|MAPPING/, 'no client would be told so')
    this.#who = undefined
    this.#open = undefined
  }
}

/** No error of the broker's. */
const gaveUp = -1000

const isPassing = (error: number): boolean =>
  error === ErrorCodes.CONCURRENT_TRANSACTIONS ||
  error === ErrorCodes.COORDINATOR_NOT_AVAILABLE ||
  error === ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS ||
  error === ErrorCodes.NOT_ENOUGH_REPLICAS ||
  error === ErrorCodes.KAFKA_STORAGE_ERROR

const power = new WeakMap<TransactionHost, { failed: boolean; takeBack: () => void }>()

function failPowerAfter(host: TransactionHost, operations: number): void {
  if (power.get(host)?.failed) return
  const state = { failed: false, takeBack: () => {} }
  state.takeBack = host.machine.crashAt(operations, { crashed: () => (state.failed = true) })
  power.set(host, state)
}

/** 'crashed' when the power fails before the answer; then the broker has been started again. */
async function askOnce<T>(host: TransactionHost, ask: () => Promise<T>): Promise<T | 'crashed'> {
  let answer: { value: T } | { error: unknown } | undefined
  ask().then(
    value => (answer = { value }),
    error => (answer = { error }),
  )
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs++) {
    const state = power.get(host)
    if (state?.failed) {
      power.delete(host)
      await host.start()
      return 'crashed'
    }
    if (answer !== undefined && 'error' in answer) throw answer.error
    if (answer !== undefined) return answer.value
    await host.world.clock.advance(1)
  }
  throw new Error('a request is not answered')
}

function check(client: Client, values: readonly string[][], committedOffset: number): void {
  const seen = new Map<string, number>()
  for (const [partition, found] of values.entries())
    for (const value of found) {
      const key = `${partition} ${value}`
      assert(!seen.has(key), `${key} is there twice`)
      seen.set(key, partition)
    }
  const isSeen = ({ partition, value }: Sent) => seen.has(`${partition} ${value}`)
  const lastOffset: number[] = []
  for (const { sent, outcome, offset, isOffsetAcknowledged } of client.attempts) {
    const acknowledged = sent.filter(each => each.isAcknowledged)
    const found = sent.filter(isSeen)
    if (outcome === 'committed')
      assert.deepEqual(
        acknowledged.filter(each => !isSeen(each)),
        [],
        'lost',
      )
    if (outcome === 'aborted') assert.deepEqual(found, [], 'seen of an aborted transaction')
    if (found.length > 0)
      assert.deepEqual(
        acknowledged.filter(each => !isSeen(each)),
        [],
        'torn',
      )
    const counts = outcome === 'committed' || found.length > 0
    if (offset >= 0 && isOffsetAcknowledged && counts) lastOffset.push(offset)
    if (outcome === 'aborted' && offset >= 0)
      assert.notEqual(committedOffset, offset, 'an offset of an aborted transaction')
  }
  assert(committedOffset >= Math.max(-1, ...lastOffset), 'an offset is lost')
}

test('a transaction is seen whole or not at all, with its offsets, whenever the power fails', async () => {
  const property = fc.asyncProperty(story, async ({ seed, usesJournal, age, steps, crashes }) => {
    const host = await TransactionHost.start({ seed, usesJournal })
    const client = new Client(host, age)
    for (const [at, action] of steps.entries()) {
      const crash = crashes.find(each => each.at === at)
      if (crash) failPowerAfter(host, crash.operations)
      client.givesUp = crash?.client === 'giveUp'
      await client.take(action)
    }
    power.get(host)?.takeBack()
    await client.finish()
    await host.world.clock.advance(200)
    const { values, isDecided } = await host.read()
    assert(isDecided, 'something stays open')
    check(client, values, host.committedOffset())
    assert.deepEqual(host.findings.hanging, [])
  })
  await fc.assert(property, { numRuns: Number(process.env.RUNS ?? 60) })
})
