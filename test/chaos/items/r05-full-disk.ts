/**
 * No space: the k-th writes fail with ENOSPC, whatever they are of; and the tests on real small file systems, without descriptors and
 * without inodes. Nobody crashes, what is refused may be tried again, reads go on, and writes do by themselves.
 */
import { errorByCode } from '@odradek/protocol'
import type { Chaos } from '../chaos.ts'
import { atLeast, atMost, item, type Measured, none } from '../item.ts'
import { CountedProduce, partitions } from '../load/counted-produce.ts'
import { FailingBroker } from '../load/failing-broker.ts'
import { cannotInject } from '../load/failing-calls.ts'
import { runTests } from '../load/test-run.ts'

const smallDisks = [
  'test/durability/full-disk.test.ts',
  'test/durability/scarce-start.test.ts',
  'test/durability/scarcity.test.ts',
  'test/hostile/descriptors.test.ts',
]

export const fullDisk = item({
  id: 'R5',
  what: 'no space, no descriptors',
  bars: {
    refused: atLeast(1, 'records refused for want of space'),
    crashed: none('brokers that ended without saying why'),
    final: none('refusals that do not say "try again"'),
    unread: none('reads that failed meanwhile'),
    resumed: atMost(10, 'writes go on by themselves, slowest', 's'),
    lost: none('acknowledged records lost'),
    smallDisks: none('failed tests on full disks, without descriptors, without inodes'),
  },
  async run(chaos) {
    return { ...(await failingWrites(chaos)), smallDisks: await smallDiskTests(chaos) }
  },
})

async function smallDiskTests(chaos: Chaos): Promise<Measured> {
  const { passed, failed, skipped } = await runTests(chaos, smallDisks, {
    ODRADEK_ROUNDS: String(chaos.count({ quick: 3, full: 100 })),
    ODRADEK_SEED: String(chaos.options.seed),
  })
  if (passed + failed === 0) return { skipped: skipped.join(', ') }
  return { value: failed, detail: `of ${passed + failed}${skipped.length > 0 ? `; skipped: ${skipped}` : ''}` }
}

async function failingWrites(chaos: Chaos) {
  const skipped = cannotInject()
  if (skipped) {
    const skip: Measured = { skipped }
    return { refused: skip, crashed: skip, final: skip, unread: skip, resumed: skip, lost: skip }
  }
  const sums = { refused: 0, crashed: 0, final: 0, unread: 0, lost: 0 }
  let resumed = 0
  const rounds = Array.from({ length: 200 }, (_, k) => k + 1).filter(k => k % chaos.count({ quick: 25, full: 1 }) === 0)
  for (const k of rounds) {
    const outcome = await roundOf(chaos, k)
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += outcome[name]
    resumed = Math.max(resumed, outcome.resumed)
    if (outcome.crashed + outcome.final + outcome.unread + outcome.lost > 0 || outcome.resumed > 10)
      chaos.say(`from write ${k} on: ${JSON.stringify(outcome)}`)
  }
  return {
    ...sums,
    resumed: { value: Math.round(100 * resumed) / 100, detail: 'after four failed writes' },
    lost: { value: sums.lost, detail: `${rounds.length} brokers, failing from write 1 … 200 on` },
  }
}

async function roundOf(chaos: Chaos, k: number) {
  const outcome = { refused: 0, crashed: 0, final: 0, unread: 0, lost: 0, resumed: 0 }
  const fault = { calls: ['pwrite64', 'pwritev'], error: 'ENOSPC' as const, from: k, to: k + 3 }
  const broker = await FailingBroker.start(chaos, fault)
  if (broker.crash !== undefined) {
    chaos.say(broker.crash)
    return { ...outcome, crashed: 1 }
  }
  using client = broker.process && (await CountedProduce.connect(broker.process.address))
  if (client) await suffer(client, outcome).catch(error => chaos.say(String(error)))
  if (broker.process && !broker.isAlive) {
    outcome.crashed++
    chaos.say(broker.process.lines.slice(-3).join('\n'))
  }
  using after = await CountedProduce.connect((await broker.restart()).address)
  if (client) outcome.lost += await after.missing(client.acknowledged)
  else if ((await after.createTopic()) !== 0) outcome.crashed++
  return outcome
}

/** Sixty records to each partition and commits in between, each tried until it is taken. */
async function suffer(client: CountedProduce, outcome: Awaited<ReturnType<typeof roundOf>>): Promise<void> {
  const untilTaken = async (attempt: () => Promise<number>, partition?: number) => {
    const from = performance.now()
    for (let code = await attempt(); code !== 0; code = await attempt()) {
      outcome.refused++
      if (!errorByCode(code).retriable) outcome.final++
      if (partition !== undefined && typeof (await client.read(partition)) === 'number') outcome.unread++
      outcome.resumed = Math.max(outcome.resumed, (performance.now() - from) / 1000)
      if (outcome.resumed > 10) throw new Error(`error ${code} for more than 10 s`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  await untilTaken(() => client.createTopic())
  for (let n = 0; n < 60; n++) {
    for (let partition = 0; partition < partitions; partition++)
      await untilTaken(() => client.produce(partition), partition)
    if (n % 6 === 0) await untilTaken(() => client.commit())
  }
}
