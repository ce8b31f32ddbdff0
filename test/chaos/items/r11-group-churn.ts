/**
 * Fifty members of a group join, leave, are killed and stand still for ten minutes, with each way to share partitions in turn. No
 * partition has two owners, no record is passed over, and when nobody comes or goes any more the group soon comes to rest.
 */
import { type ChurnVerdict, GroupChurn } from '../churn/group-churn.ts'
import type { MemberKind } from '../churn/member-process.ts'
import { atMost, item, none } from '../item.ts'

const ways: Readonly<Record<string, readonly MemberKind[]>> = {
  range: ['range'],
  'cooperative-sticky': ['cooperative'],
  static: ['static'],
  consumer: ['consumer', 'consumer-static'],
  'both protocols': ['consumer', 'cooperative'],
}

const rebalanceTimeoutSeconds = 10

/** Those who are gone without a word are expired soon, whichever protocol they spoke. */
const settings = [
  'group.initial.rebalance.delay.ms=0',
  'group.consumer.min.session.timeout.ms=6000',
  'group.consumer.session.timeout.ms=6000',
  'group.consumer.min.heartbeat.interval.ms=1000',
  'group.consumer.heartbeat.interval.ms=1000',
]

export const groupChurn = item({
  id: 'R11',
  what: 'members that come, go, are killed and stand still',
  bars: {
    inGeneration: none('partitions owned twice in one generation or epoch'),
    atOnce: none('partitions owned by two at a time'),
    unprocessed: none('records that nobody processed'),
    failed: none('members that gave up'),
    stable: atMost(rebalanceTimeoutSeconds + 5, 'at rest after the last one came or went', 's'),
  },
  async run(chaos) {
    const verdicts = new Map<string, ChurnVerdict>()
    const ms = chaos.count({ quick: 20_000, full: 600_000 }) / Object.keys(ways).length
    const [processes, membersOfEach] = chaos.options.isQuick ? [5, 2] : [10, 5]
    for (const [way, kinds] of Object.entries(ways)) {
      const name = way.replaceAll(' ', '-')
      const args = ['--listen', '127.0.0.1:0', '--data', chaos.folder(), ...settings.flatMap(each => ['-c', each])]
      const broker = await chaos.serve(args)
      const { bootstrap } = broker
      const churn = new GroupChurn(chaos, { bootstrap, name, kinds, processes, membersOfEach, stillMs: 8_000 })
      await churn.start()
      await churn.churn(ms, chaos.count({ quick: 500, full: 1_000 }))
      const verdict = await churn.finish()
      await broker.end('SIGKILL')
      verdicts.set(way, verdict)
      chaos.say(`${way}: ${JSON.stringify({ ...verdict, stableMs: Math.round(verdict.stableMs) })}`)
    }
    const all = [...verdicts.values()]
    const sum = (of: (verdict: ChurnVerdict) => number) => all.reduce((total, verdict) => total + of(verdict), 0)
    const joins = [...verdicts].map(([way, { joins, generations }]) => `${way} ${joins} joins in ${generations}`)
    const stable = [...verdicts].map(([way, { stableMs }]) => `${way} ${seconds(stableMs)} s`)
    return {
      inGeneration: { value: sum(each => each.inGeneration.length), detail: `${joins.join(', ')} generations` },
      atOnce: sum(each => each.atOnce.length),
      unprocessed: { value: sum(each => each.unprocessed), detail: `of ${sum(each => each.records)}` },
      failed: sum(each => each.failures.length),
      stable: { value: seconds(Math.max(...all.map(each => each.stableMs))), detail: stable.join(', ') },
    }
  },
})

const seconds = (ms: number) => Math.round(ms / 100) / 10
