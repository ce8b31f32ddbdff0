/**
 * Consumers of one group on machines of their own, in simulated time, while connections break, hosts are cut off, members crash, leave
 * and come. Whatever happens: every record is processed, each member sees a partition's records in order, committed offsets never go
 * back, and nothing below them was left out.
 *
 * Replay one seed: SEED=7 node --test test/simulation/groups.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { type Consumer, Kafka, range } from '@odradek/client'
import { SeededRandom, type SimulatedWorld, simulatedWorld, sleep } from '@odradek/world'

const seeds = process.env.SEED ? [Number(process.env.SEED)] : [1, 26]
const partitions = 5
const records = 1_800
const group = 'g'

for (const seed of seeds) {
  test(`a group on a bad network processes everything and never goes back (seed ${seed})`, async () => {
    const world = simulatedWorld({ seed, weather: { delayMs: [0.1, 8], splitChance: 0.1, cutChance: 0.001 } })
    const run = <T>(promise: Promise<T>) => world.clock.finish(promise, { withinMs: 3_600_000 })
    const broker = await run(startBroker(world))
    const outside = kafkaOn(world, 'outside')
    await run(outside.admin().topics.create({ name: 't', partitions }))
    const trouble = new Trouble(world, new SeededRandom(seed), seed % 2 === 0)
    const watched = new CommittedOffsets(outside)
    await run(Promise.all([produce(outside, world), trouble.makeFor(90_000), watched.watch(world, 90_000)]))
    await run(trouble.settle())
    await world.clock.runUntil(() => trouble.processed.size === records, { withinMs: 600_000 })
    await run(trouble.closeAll())
    await run(watched.look())
    for (const [partition, committed] of watched.latest) {
      for (const { partition: at, offset, value } of await run(Array.fromAsync(outside.read('t'), summary))) {
        if (at === partition && offset < committed)
          assert(trouble.processed.has(value), `${value} was committed unprocessed`)
      }
    }
    await run(outside.close())
    await run(broker.close({ drain: false }))
  })
}

const summary = ({ partition, offset, value }: { partition: number; offset: number; value: Uint8Array | null }) => {
  return { partition, offset, value: Buffer.from(value!).toString() }
}

function startBroker(world: SimulatedWorld): Promise<Broker> {
  return Broker.start({
    world: world.machine('broker').boot(),
    listen: { host: 'broker', port: 9092 },
    data: { memory: true },
    nodes: 2,
    config: { 'odradek.insecure.network': 'true', 'group.initial.rebalance.delay.ms': '0' },
  })
}

function kafkaOn(world: SimulatedWorld, machine: string): Kafka {
  return new Kafka({
    brokers: 'broker:9092',
    world: world.machine(machine).boot(),
    requestTimeoutMs: 3_000,
    connectTimeoutMs: 2_000,
  })
}

async function produce(kafka: Kafka, world: SimulatedWorld): Promise<void> {
  const producer = kafka.producer({ requestTimeoutMs: 3_000 })
  const sent: Promise<unknown>[] = []
  for (let i = 0; i < records; i++) {
    sent.push(producer.send('t', { key: `${i}`, value: `${i}` }))
    // In bursts, so that members are in the middle of their work when something happens.
    if (i % 150 === 0) await sleep(world.clock, 7_000)
  }
  await Promise.all(sent)
  await producer.close()
}

interface Member {
  readonly machine: string
  readonly kafka: Kafka
  readonly consumer: Consumer<'t'>
  isDead: boolean
}

/** Members that come and go, and the weather between them and the broker. */
class Trouble {
  readonly processed = new Set<string>()
  readonly #world: SimulatedWorld
  readonly #random: SeededRandom
  readonly #isEager: boolean
  #members: Member[] = []
  #machines = 0

  constructor(world: SimulatedWorld, random: SeededRandom, isEager: boolean) {
    this.#world = world
    this.#random = random
    this.#isEager = isEager
  }

  async makeFor(ms: number): Promise<void> {
    const { clock } = this.#world
    this.#join()
    for (const end = clock.monotonic() + ms; clock.monotonic() < end; ) {
      await sleep(clock, 200 + this.#random.int(3_000))
      const someone = this.#members[this.#random.int(this.#members.length)]
      const dice = this.#random.int(10)
      if (!someone || (dice < 4 && this.#members.length < 4)) this.#join()
      else if (dice < 5) await this.#leave(someone)
      else if (dice < 6) this.#crash(someone)
      else if (dice < 8) this.#world.wire.cut(someone.machine)
      else await this.#partition(someone)
    }
  }

  /** The sun comes out, and at least one member is there. */
  async settle(): Promise<void> {
    this.#world.wire.heal()
    this.#join()
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#members.map(member => this.#leave(member)))
  }

  #join(): void {
    const machine = `member${this.#machines++}`
    const kafka = kafkaOn(this.#world, machine)
    const consumer = kafka.consumer({
      group,
      topics: ['t'],
      from: 'earliest',
      commit: { every: 300 },
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
      maxPollIntervalMs: 20_000,
      ...(this.#isEager && { assignors: [range] }),
    })
    const member: Member = { machine, kafka, consumer, isDead: false }
    this.#members.push(member)
    this.#process(member).catch(error => {
      if (!member.isDead) throw error
    })
  }

  async #process({ consumer }: Member): Promise<void> {
    const last = new Map<AbortSignal, number>()
    for await (const { value, offset, signal } of consumer) {
      assert(offset > (last.get(signal) ?? -1), 'out of order within a stay')
      last.set(signal, offset)
      await sleep(this.#world.clock, this.#random.int(60))
      this.processed.add(Buffer.from(value!).toString())
    }
  }

  async #leave(member: Member): Promise<void> {
    this.#forget(member)
    await member.consumer.close()
    await member.kafka.close()
  }

  #crash(member: Member): void {
    this.#forget(member)
    this.#world.machine(member.machine).crash()
  }

  async #partition({ machine }: Member): Promise<void> {
    this.#world.wire.partition(machine, 'broker')
    await sleep(this.#world.clock, this.#random.int(12_000))
    this.#world.wire.heal(machine, 'broker')
  }

  #forget(member: Member): void {
    member.isDead = true
    this.#members = this.#members.filter(other => other !== member)
  }
}

/** What the group has committed, looked at again and again. */
class CommittedOffsets {
  readonly latest = new Map<number, number>()
  readonly #kafka: Kafka

  constructor(kafka: Kafka) {
    this.#kafka = kafka
  }

  async watch(world: SimulatedWorld, ms: number): Promise<void> {
    for (const end = world.clock.monotonic() + ms; world.clock.monotonic() < end; ) {
      await sleep(world.clock, 500)
      await this.look()
    }
  }

  async look(): Promise<void> {
    for (const { partition, offset } of await this.#kafka.admin().groups.offsets(group)) {
      assert(offset >= (this.latest.get(partition) ?? 0), `the offset of partition ${partition} went back to ${offset}`)
      this.latest.set(partition, offset)
    }
  }
}
