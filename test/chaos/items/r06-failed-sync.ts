/**
 * The k-th fdatasync or fsync fails with EIO. Whatever it was of, nothing is acknowledged afterwards from a file whose sync has failed,
 * the other partitions and the broker live on, and after a restart everything that was acknowledged is there.
 */
import type { Chaos } from '../chaos.ts'
import { atLeast, item, none } from '../item.ts'
import { CountedProduce, partitions } from '../load/counted-produce.ts'
import { FailingBroker } from '../load/failing-broker.ts'
import { cannotInject, type FailingCall } from '../load/failing-calls.ts'

export const failedSync = item({
  id: 'R6',
  what: 'the k-th fsync fails',
  bars: {
    struck: atLeast(1, 'rounds in which a failed sync took a partition offline'),
    acknowledged: none('acknowledged from a partition after its sync had failed'),
    stopped: none('rounds in which no other partition went on'),
    crashed: none('brokers that ended without saying why'),
    lost: none('acknowledged records lost'),
    regressed: none('committed offsets lost'),
  },
  async run(chaos) {
    const skipped = cannotInject()
    if (skipped) return { skipped }
    const sums = { struck: 0, acknowledged: 0, stopped: 0, crashed: 0, lost: 0, regressed: 0 }
    const rounds = faults(chaos)
    for (const fault of rounds) {
      const outcome = await roundOf(chaos, fault)
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += outcome[name] ?? 0
      const bad = Object.entries(outcome).filter(([name, count]) => name !== 'struck' && count > 0)
      if (bad.length > 0) chaos.say(`${fault.calls} ${fault.from}: ${bad.map(entry => entry.join(' ')).join(', ')}`)
    }
    return { ...sums, lost: { value: sums.lost, detail: `${rounds.length} syncs failed` } }
  },
})

type Outcome = Partial<Record<'struck' | 'acknowledged' | 'stopped' | 'crashed' | 'lost' | 'regressed', number>>

function faults(chaos: Chaos): FailingCall[] {
  const all = ['fdatasync', 'fsync'].flatMap(call =>
    Array.from({ length: 60 }, (_, k): FailingCall => ({ calls: [call], error: 'EIO', from: k + 1 })),
  )
  const step = chaos.count({ quick: 15, full: 1 })
  return all.filter((_, i) => i % step === 2 % step)
}

async function roundOf(chaos: Chaos, fault: FailingCall): Promise<Outcome> {
  const broker = await FailingBroker.start(chaos, fault)
  if (broker.crash !== undefined) {
    chaos.say(broker.crash)
    return { crashed: 1 }
  }
  const before = broker.process && (await sufferAll(broker.process.address))
  const crashed = broker.process && !broker.isAlive ? 1 : 0
  if (crashed) chaos.say(broker.process!.lines.slice(-3).join('\n'))
  using after = await CountedProduce.connect((await broker.restart()).address)
  if (before === undefined) return { crashed: (await after.createTopic()) === 0 ? 0 : 1 }
  const { records, committed, ...figures } = before
  return {
    ...figures,
    crashed,
    lost: await after.missing(records),
    regressed: committed >= 0 && (await after.committedOffset()) < committed ? 1 : 0,
  }
}

/** Produces to each partition in turn, and looks for acknowledgements that must not be. */
async function sufferAll(address: { host: string; port: number }) {
  using client = await CountedProduce.connect(address)
  const offline = new Set<number>()
  const went = new Set<number>()
  let acknowledged = 0
  try {
    if (await client.createTopic()) await client.createTopic()
    for (let n = 0; n < 40; n++) {
      for (let partition = 0; partition < partitions; partition++) {
        const isTaken = (await client.produce(partition)) === 0
        if (isTaken && offline.has(partition)) acknowledged++
        if (isTaken && offline.size > 0) went.add(partition)
        if (!isTaken && n > 0) offline.add(partition)
      }
      if (n % 10 === 0) await client.commit()
    }
  } catch {
    // The connection is gone; whether the broker is will be seen.
  }
  const struck = offline.size > 0 ? 1 : 0
  const { committed } = client
  return { struck, acknowledged, stopped: struck && went.size === 0 ? 1 : 0, committed, records: client.acknowledged }
}
