/**
 * Reading, processing and writing in transactions while broker and clients are killed, clients stand still for longer than their
 * transactions may take, and requests of transactions come late or twice on other connections: what Jepsen did to Kafka.
 *
 * By the rules of KIP-890 nothing may be wrong. By those of before it the protocol cannot tell a late EndTxn from a new one, so there
 * the figure is what the server itself sees to: nobody writes into a partition outside of a transaction, where it would stay for ever.
 */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  EndTxn,
  InitProducerId,
  Produce,
  TxnOffsetCommit,
} from '@odradek/protocol'
import { freePort } from '../../durability/serve-process.ts'
import type { Chaos } from '../chaos.ts'
import { ChaosProxy, type Weather } from '../chaos-proxy.ts'
import { atMost, item, none } from '../item.ts'
import type { ProcessorOptions } from '../transactions/processor-process.ts'
import { TransactionRun, type TransactionVerdict } from '../transactions/transaction-run.ts'

const transactionTimeoutMs = 8_000
/** After Kafka's own time between two looks for transactions that take too long. */
const stallMs = transactionTimeoutMs + 10_000

const ends = [EndTxn.key]
const joins = [AddPartitionsToTxn.key, AddOffsetsToTxn.key, TxnOffsetCommit.key]
const writes = [Produce.key]
const soon = [0, 300] as const
const late = [300, 4_000] as const

const weathers: readonly Weather[] = [
  { strayRequests: { apiKeys: ends, chance: 0.2, delayMs: soon } },
  { replayRequests: { apiKeys: [...ends, ...joins], chance: 0.3, delayMs: soon } },
  { strayRequests: { apiKeys: [...ends, ...joins], chance: 0.1, delayMs: late } },
  { loseResponses: { apiKeys: [...ends, ...joins], chance: 0.15 } },
  { replayRequests: { apiKeys: [...ends, ...joins, ...writes], chance: 0.3, delayMs: late } },
  { strayRequests: { apiKeys: [...writes, ...joins, InitProducerId.key], chance: 0.1, delayMs: soon } },
  { requests: { delayMs: [0, 200] }, loseResponses: { apiKeys: [...ends, ...writes], chance: 0.1 } },
]

export const transactions = item({
  id: 'R10',
  what: 'transactions under kill -9 and a proxy that delays and repeats',
  bars: {
    aborted: none('v2: aborted records read (G1a)'),
    lost: none('v2: committed records lost, inputs without output'),
    doubled: none('v2: inputs processed twice'),
    torn: none('v2: torn transactions'),
    others: none('v2: other anomalies'),
    stall: atMost(stallMs / 1000, 'v2: readers of committed records stood still since a start', 's'),
    hanging: none('v2: transactions that nobody ends'),
    oldHanging: none('v1: transactions that nobody ends (records outside of one)'),
    oldStall: atMost(stallMs / 1000, 'v1: readers of committed records stood still since a start', 's'),
  },
  async run(chaos) {
    const kills = chaos.count({ quick: 7, full: 50 })
    const now = await harmed(chaos, 'v2', kills)
    const before = await harmed(chaos, 'v1', Math.ceil(kills / 2))
    const { flaws, counts, hanging } = now
    const count = (name: string) => counts.get(name) ?? 0
    const lost = count('lost-write') + count('unseen') + count('visible-then-gone')
    const known = lost + count('G1a') + count('duplicate')
    const all = [...counts.values()].reduce((sum, n) => sum + n, 0)
    return {
      aborted: { value: count('G1a'), detail: summary(now) },
      lost: { value: lost + flaws.missing.length, detail: flaws.missing.slice(0, 3).join(', ') },
      doubled: { value: count('duplicate') + flaws.doubled.length, detail: flaws.doubled.slice(0, 3).join(', ') },
      torn: { value: flaws.torn.length, detail: flaws.torn.slice(0, 3).join(', ') },
      others: all - known + flaws.unfounded.length,
      stall: stalled(now),
      hanging,
      oldHanging: { value: before.hanging, detail: `${summary(before)}; ${wrongs(before)}` },
      oldStall: stalled(before),
    }
  },
})

/** Members are expired soon, whichever protocol they speak. */
const settings = [
  'group.consumer.min.session.timeout.ms=6000',
  'group.consumer.session.timeout.ms=6000',
  'group.consumer.min.heartbeat.interval.ms=500',
  'group.consumer.heartbeat.interval.ms=500',
]
const processors = 3

async function harmed(chaos: Chaos, rules: ProcessorOptions['rules'], kills: number): Promise<TransactionVerdict> {
  const port = await freePort()
  const bootstrap = `127.0.0.1:${port}`
  const proxy = chaos.use(await ChaosProxy.start({ host: '127.0.0.1', port }, chaos.options.seed))
  const args = ['--listen', bootstrap, '--data', chaos.folder(), ...settings.flatMap(each => ['-c', each])]
  let broker = await chaos.serve(args)
  const restart = async () => {
    await broker.end('SIGKILL')
    broker = await chaos.serve(args)
    run.brokerStarted()
  }
  const harms = [restart, () => killed(chaos, run), restart, () => still(chaos, run)]
  const run = new TransactionRun(chaos, { rules, bootstrap, proxy: proxy.address, transactionTimeoutMs })
  await run.start(processors)
  for (let kill = 0; kill < kills; kill++) {
    proxy.weather = weathers[kill % weathers.length]!
    await run.progress(3)
    await pause(chaos.random.int(1_500))
    await harms[kill % harms.length]!()
    if (kill % 10 === 9) chaos.say(`${rules}: ${kill + 1} times, ${run.commits} commits`)
  }
  proxy.weather = {}
  await killed(chaos, run, 0)
  await run.progress()
  const { strayRequests, replayedRequests, lostResponses } = proxy.tally
  chaos.say(`${rules}: ${strayRequests} requests astray, ${replayedRequests} repeated, ${lostResponses} answers lost`)
  const verdict = await run.finish()
  for (const text of verdict.texts) chaos.say(`${rules}: ${text}`)
  await broker.end('SIGKILL')
  return verdict
}

/** A processor ends in the middle; another one takes over its id, or nobody does and its transaction has to time out. */
async function killed(chaos: Chaos, run: TransactionRun, succession = 0.7): Promise<void> {
  const victim = run.alive[chaos.random.int(run.alive.length)]!
  await victim.kill()
  if (run.alive.length < processors)
    run.begin(chaos.random.chance(succession) ? victim.options.transactionalId : undefined)
}

/** A processor stands still for longer than its transaction may take; perhaps another one has its id when it goes on. */
async function still(chaos: Chaos, run: TransactionRun): Promise<void> {
  const victim = run.alive[chaos.random.int(run.alive.length)]!
  victim.signal('SIGSTOP')
  if (chaos.random.chance(0.5)) run.begin(victim.options.transactionalId)
  await pause(chaos.random.chance(0.5) ? 1_000 : transactionTimeoutMs + chaos.random.int(3_000))
  victim.signal('SIGCONT')
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const seconds = (ms: number) => Math.round(ms / 100) / 10

function summary({ inputs, commits, aborts, doubts }: TransactionVerdict): string {
  const reasons = [...aborts].map(([why, count]) => `${why} × ${count}`).join(', ')
  return `${inputs} inputs, ${commits} transactions committed, ${doubts} in doubt; aborted: ${reasons}`
}

const stalled = ({ stalledMs, stalledSinceStartMs }: TransactionVerdict) => ({
  value: seconds(stalledSinceStartMs),
  detail: `restarts included: ${seconds(stalledMs)} s`,
})

function wrongs({ flaws, counts }: TransactionVerdict): string {
  const names = [...counts].map(([name, count]) => `${name} × ${count}`)
  const { missing, doubled, torn } = flaws
  return `allowed: ${[`missing × ${missing.length}`, `doubled × ${doubled.length}`, `torn × ${torn.length}`, ...names].join(', ')}`
}
