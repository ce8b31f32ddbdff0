/**
 * Everything through the chaos proxy: one trouble after the other while producers, a group and an admin work, with five requests in
 * flight. Nothing is doubled or reordered, and when the weather is good again the throughput is what it was.
 */
import { Fetch, Metadata, OffsetCommit, Produce } from '@odradek/protocol'
import { ChaosProxy, type Weather } from '../chaos-proxy.ts'
import { atLeast, item } from '../item.ts'
import { percentile } from '../load/percentile.ts'
import { RecordedLoad } from '../load/recorded-load.ts'
import { throughProxy } from '../load/through-proxy.ts'
import { historyBars, historyFigures } from '../load/verdict-figures.ts'

const both = (lane: Weather['requests'] & {}): Weather => ({ requests: lane, responses: lane })

const troubles: Record<string, Weather> = {
  'pieces of one byte': both({ chunkBytes: 1 }),
  'delays of 50 to 500 ms': both({ delayMs: [50, 500] }),
  'resets in the middle of frames': { cutFrames: 0.02 },
  'a black hole': both({ isSilent: true }),
  'a black hole for answers': { responses: { isSilent: true } },
  '20 kB a second': both({ bytesPerSecond: 20_000 }),
  'Produce answers lost': { loseResponses: { apiKeys: [Produce.key], chance: 0.05 } },
  'answers of all kinds lost': {
    loseResponses: { apiKeys: [Fetch.key, Metadata.key, OffsetCommit.key], chance: 0.02 },
  },
  'Produce requests sent twice': { replayRequests: { apiKeys: [Produce.key], chance: 0.2 } },
}

const patience = { retryTimeoutMs: 180_000, requestTimeoutMs: 5_000 }

export const badNetwork = item({
  id: 'R9',
  what: 'a network that misbehaves',
  bars: { ...historyBars, recovered: atLeast(90, 'throughput within 10 s after the worst trouble', '%') },
  async run(chaos) {
    const broker = await chaos.serve([
      '--listen',
      '127.0.0.1:0',
      '--data',
      chaos.folder(),
      '-c',
      'group.initial.rebalance.delay.ms=1000',
    ])
    const proxy = chaos.use(await ChaosProxy.start(broker.address, chaos.options.seed))
    const load = new RecordedLoad({ connect: () => throughProxy(proxy.address, patience), perSecond: 1_000 })
    await load.start()
    await load.progress()
    const usual = await usualRate(load, chaos.count({ quick: 3, full: 5 }))
    const recoveries: { trouble: string; percent: number }[] = []
    for (const [trouble, weather] of Object.entries(troubles)) {
      proxy.weather = weather
      await pause(chaos.count({ quick: 2_000, full: 20_000 }))
      proxy.weather = {}
      const { percent, seconds } = await recovery(load, usual)
      chaos.say(`${trouble}: ${percent} % of the usual throughput in second ${seconds} afterwards`)
      recoveries.push({ trouble, percent })
    }
    await load.progress()
    const { tally } = proxy
    chaos.say(
      `${tally.connections} connections, ${tally.lostResponses} answers lost, ${tally.replayedRequests} requests sent twice, ${tally.cutFrames} frames cut`,
    )
    const worst = recoveries.reduce((a, b) => (a.percent <= b.percent ? a : b))
    return {
      ...historyFigures(await load.finish(), chaos),
      recovered: {
        value: worst.percent,
        detail: `after ${worst.trouble}; ${Math.round(usual)} records a second before`,
      },
    }
  },
})

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** The first second of ten in which the throughput is what it was, or the best of them. */
async function recovery(load: RecordedLoad, usual: number): Promise<{ percent: number; seconds: number }> {
  let best = { percent: 0, seconds: 0 }
  for (let seconds = 1; seconds <= 10 && best.percent < 90; seconds++) {
    const percent = Math.round((100 * (await rateOfOneSecond(load))) / usual)
    if (percent > best.percent) best = { percent, seconds }
  }
  return best
}

async function usualRate(load: RecordedLoad, seconds: number): Promise<number> {
  const rates: number[] = []
  while (rates.length < seconds) rates.push(await rateOfOneSecond(load))
  return percentile(rates, 0.5)
}

async function rateOfOneSecond(load: RecordedLoad): Promise<number> {
  const before = load.acknowledged
  const from = performance.now()
  await pause(1_000)
  return (1000 * (load.acknowledged - before)) / (performance.now() - from)
}
