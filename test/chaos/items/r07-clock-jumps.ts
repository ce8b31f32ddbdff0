/**
 * The broker's wall clock jumps, an hour and ten days, either way, while it runs and while it does not. Sessions and open transactions
 * do not notice; and what would have expired by the new time stays for as long as somebody might set the clock right again.
 */
import { Kafka, type TransactionalProducer, TransactionError } from '@odradek/client'
import { freePort, type ServeProcess } from '../../durability/serve-process.ts'
import type { Chaos } from '../chaos.ts'
import { exactly, item, none } from '../item.ts'
import { FakedTime } from '../load/faked-time.ts'
import { RecordedLoad } from '../load/recorded-load.ts'
import { historyBars, historyFigures } from '../load/verdict-figures.ts'

/** Looks for what has expired, again and again. */
const eager = [
  'log.retention.check.interval.ms=300',
  'offsets.retention.check.interval.ms=300',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms=300',
  'group.initial.rebalance.delay.ms=1000',
]
const jumps = ['+1h', '+10d', '-1h', '-10d'] as const
const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

export const clockJumps = item({
  id: 'R7',
  what: 'a wall clock that jumps',
  bars: {
    rebalances: exactly(2, 'assignments of the two members, the first included'),
    deleted: none('segments deleted by retention after a jump'),
    expired: none('committed offsets of an idle group expired after a jump'),
    timedOut: none('transactions ended by a jump'),
    unfound: none('records not found by their time'),
    ...historyBars,
  },
  async run(chaos) {
    const time = FakedTime.in(chaos.folder())
    if (time === undefined) return { skipped: 'libfaketime is not installed' }
    const port = await freePort()
    const args = ['--listen', `127.0.0.1:${port}`, '--data', chaos.folder(), ...eager.flatMap(each => ['-c', each])]
    let broker = await chaos.serve(args, time.options)
    const connect = () => new Kafka({ brokers: `127.0.0.1:${port}`, retryTimeoutMs: 120_000 })
    await using kafka = connect()
    const load = new RecordedLoad({ connect })
    await prepare(kafka, load.topic)
    await load.start()
    const sums = { deleted: 0, expired: 0, unfound: 0 }
    const look = async (what: string) => {
      await wait(chaos.count({ quick: 1_000, full: 5_000 }))
      await load.progress()
      const found = await lookAround(kafka)
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += found[name]
      chaos.say(`${what}: ${load.rebalances - 2} rebalances, ${JSON.stringify(found)}`)
    }
    const producer = kafka.producer({ transactionalId: 'open', transactionTimeoutMs: 90_000 })
    let timedOut = 0
    const inTransaction = async (work: () => Promise<void>) => {
      if (!(await survives(producer, work, chaos))) timedOut++
    }
    for (const jump of jumps)
      await inTransaction(async () => {
        await load.progress()
        time.jumpTo(jump)
        await look(`${jump} while running`)
        time.jumpTo('+0')
        await look('and back')
      })
    for (const jump of jumps)
      await inTransaction(async () => {
        broker = await restarted(chaos, broker, args, () => time.jumpTo(jump), time)
        await look(`${jump} across a restart`)
        broker = await restarted(chaos, broker, args, () => time.jumpTo('+0'), time)
        await look('and back')
      })
    const verdict = await load.finish()
    return { rebalances: verdict.rebalances, ...sums, timedOut, ...historyFigures(verdict, chaos) }
  },
})

/** Whether a transaction that was open all the while is committed. */
async function survives(producer: TransactionalProducer, work: () => Promise<void>, chaos: Chaos): Promise<boolean> {
  const ended = producer.transaction(async tx => {
    await tx.send('archive', { value: 'before' })
    await work()
    await tx.send('archive', { value: 'after' })
    return true
  })
  return await ended.catch(error => {
    if (!(error instanceof TransactionError)) throw error
    chaos.say(String(error))
    return false
  })
}

async function restarted(
  chaos: Chaos,
  broker: ServeProcess,
  args: readonly string[],
  jump: () => void,
  time: FakedTime,
) {
  await broker.end(chaos.random.chance(0.5) ? 'SIGKILL' : 'SIGTERM')
  jump()
  return await chaos.serve(args, time.options)
}

const day = 86_400_000
const archived = 40

/** Records of six days ago, many segments of them, which a week's retention keeps; a group without members. */
async function prepare(kafka: Kafka, topic: string): Promise<void> {
  const lenient = { 'message.timestamp.after.max.ms': 1000 * day }
  const { topics, groups } = kafka.admin()
  await topics.create([
    { name: topic, partitions: 8, config: lenient },
    { name: 'archive', partitions: 1, config: { ...lenient, 'segment.bytes': 2_000, 'retention.ms': 7 * day } },
  ])
  await using producer = kafka.producer({ lingerMs: 0 })
  const begin = Date.now() - 6 * day
  for (let n = 0; n < archived; n++) await producer.send('archive', { value: `${n}`.padEnd(400), timestamp: begin + n })
  await groups.setOffsets('idle', [{ topic: 'archive', partition: 0, offset: 7 }])
}

async function lookAround(kafka: Kafka) {
  const { topics, groups } = kafka.admin()
  const [start] = await topics.offsets('archive', 'earliest')
  const [committed] = await groups.offsets('idle')
  const [last] = await topics.offsets('archive', { timestamp: Date.now() - 6 * day - 3_600_000 })
  return {
    deleted: start!.offset === 0 ? 0 : 1,
    expired: committed?.offset === 7 ? 0 : 1,
    unfound: last!.offset === 0 ? 0 : 1,
  }
}
