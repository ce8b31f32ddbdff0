/** SIGTERM in the middle of everything, again and again: a clean end in time, and nothing to look through at the next start. */
import { Kafka } from '@odradek/client'
import { Fetch } from '@odradek/protocol'
import { type Address, realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest } from '../../../packages/broker/src/testing/test-broker.ts'
import { freePort } from '../../durability/serve-process.ts'
import { atMost, item, none } from '../item.ts'
import { RecordedLoad } from '../load/recorded-load.ts'
import { historyBars, historyFigures } from '../load/verdict-figures.ts'

export const endUnderLoad = item({
  id: 'R19',
  what: 'SIGTERM under load',
  bars: {
    ended: atMost(5_000, 'slowest end', 'ms'),
    unclean: none('ends with another code than 0'),
    scanned: none('starts that looked through a log'),
    unanswered: none('parked requests neither answered nor closed'),
    ...historyBars,
  },
  async run(chaos) {
    const rounds = chaos.count({ quick: 3, full: 20 })
    const port = await freePort()
    const args = ['--listen', `127.0.0.1:${port}`, '--data', chaos.folder(), '-c', 'group.initial.rebalance.delay.ms=0']
    let broker = await chaos.serve(args)
    const connect = () => new Kafka({ brokers: `127.0.0.1:${port}`, retryTimeoutMs: 120_000 })
    await using kafka = connect()
    await kafka.admin().topics.create({ name: 'quiet', partitions: 1 })
    const load = new RecordedLoad({ connect, perSecond: 1_000 })
    await load.start()
    const ends: number[] = []
    let unclean = 0
    let scanned = 0
    let unanswered = 0
    for (let round = 0; round < rounds; round++) {
      await load.progress()
      const parked = await park(broker.address, 50)
      const from = performance.now()
      if ((await broker.end('SIGTERM')) !== 0) unclean++
      ends.push(performance.now() - from)
      unanswered += await parked.unanswered()
      broker = await chaos.serve(args)
      await load.progress()
      if (broker.lines.some(line => /recovered logs|cut off|cannot open/.test(line))) scanned++
    }
    const verdict = await load.finish()
    return {
      ended: { value: Math.round(Math.max(...ends)), detail: `of ${rounds}` },
      unclean,
      scanned,
      unanswered,
      ...historyFigures(verdict, chaos),
    }
  },
})

/** Long polls of a topic that nobody writes to. */
async function park(address: Address, count: number) {
  const clients = await Promise.all(Array.from({ length: count }, () => RawClient.connect(realWire, address)))
  let open = count
  const outcomes = clients.map(client =>
    client
      .call(Fetch, 12, fetchRequest('quiet', 0, { maxWaitMs: 60_000 }))
      .catch(() => {})
      .finally(() => open--),
  )
  return {
    /** How many have heard nothing when the broker is gone. */
    async unanswered(): Promise<number> {
      await Promise.race([Promise.all(outcomes), new Promise(resolve => setTimeout(resolve, 2_000))])
      for (const client of clients) client.close()
      return open
    },
  }
}
