/**
 * A long time at 70 % of what the broker can do, with consumers at the end of the log, clients that come and go and retention at work:
 * memory, descriptors and the slowest answers stay what they were.
 */
import { Kafka } from '@odradek/client'
import type { ServeProcess } from '../../durability/serve-process.ts'
import type { Chaos } from '../chaos.ts'
import { atMost, item, none } from '../item.ts'
import { BatchStream } from '../load/batch-stream.ts'
import { percentile } from '../load/percentile.ts'
import { openDescriptors, residentMebibytes, slope } from '../load/process-state.ts'

const topic = 'soak'
const partitions = 8
const mebibyte = 1024 * 1024

export const soak = item({
  id: 'R18',
  what: 'a long time at 70 % of the most',
  bars: {
    slope: atMost(1, 'growth of memory, by regression', 'MiB/min'),
    descriptors: atMost(10, 'more descriptors in the last third than in the first, medians'),
    slowest: atMost(1.5, 'p99.9 of the last third, of that of the first', '×'),
    refused: none('batches refused'),
  },
  async run(chaos) {
    if (chaos.options.soakMinutes === 0) return { skipped: 'not in a quick run without --soak-minutes' }
    const broker = await chaos.serve([
      '--listen',
      '127.0.0.1:0',
      '--data',
      chaos.folder(),
      '-c',
      'log.retention.check.interval.ms=5000',
    ])
    const kafka = chaos.use(new Kafka({ brokers: broker.bootstrap }))
    const config = { 'retention.bytes': 16 * mebibyte, 'segment.bytes': 4 * mebibyte, 'file.delete.delay.ms': 1_000 }
    await kafka.admin().topics.create({ name: topic, partitions, config })
    using stream = await BatchStream.open(broker.address, topic, partitions, 4)
    const stop = new AbortController()
    const others = [readAlong(kafka, stop.signal), comeAndGo(broker, stop.signal)]
    const most = await mostPerSecond(stream, chaos.count({ quick: 1_000, full: 5_000 }))
    chaos.say(`at most ${Math.round(most)} batches of 10 kB a second`)
    stream.latencies = []
    const sending = stream.steadily(0.7 * most, stop.signal)
    const samples = await observe(chaos, broker, stream)
    stop.abort()
    await Promise.all([sending, ...others])
    return figuresOf(samples, stream.refused)
  },
})

/** With everybody else at work; the median of some times. */
async function mostPerSecond(stream: BatchStream, ms: number): Promise<number> {
  const rates: number[] = []
  while (rates.length < 6) rates.push(await stream.fullSpeed(ms))
  return percentile(rates.slice(1), 0.5)
}

interface Sample {
  readonly minute: number
  readonly mebibytes: number
  readonly descriptors: number
  readonly latencies: readonly number[]
}

async function observe(chaos: Chaos, broker: ServeProcess, stream: BatchStream): Promise<Sample[]> {
  const { soakMinutes } = chaos.options
  const samples: Sample[] = []
  const count = Math.max(12, Math.round(soakMinutes * 6))
  for (let n = 1; n <= count; n++) {
    await new Promise(resolve => setTimeout(resolve, (soakMinutes * 60_000) / count))
    const { latencies } = stream
    stream.latencies = []
    const minute = (n * soakMinutes) / count
    samples.push({
      minute,
      mebibytes: residentMebibytes(broker.pid),
      descriptors: openDescriptors(broker.pid),
      latencies,
    })
    const { mebibytes, descriptors } = samples.at(-1)!
    const slowest = percentile(latencies, 0.999).toFixed(1)
    if (n % 6 === 0)
      chaos.say(
        `minute ${minute.toFixed(1)}: ${mebibytes.toFixed(0)} MiB, ${descriptors} descriptors, p99.9 ${slowest} ms`,
      )
  }
  return samples
}

/** The first sixth is for warming up. */
function figuresOf(samples: readonly Sample[], refused: number) {
  const steady = samples.slice(Math.ceil(samples.length / 6))
  const third = Math.floor(steady.length / 3)
  const [first, last] = [steady.slice(0, third), steady.slice(-third)]
  const growth = slope(steady.map(({ minute, mebibytes }) => ({ x: minute, y: mebibytes })))
  const p999 = (part: readonly Sample[]) =>
    percentile(
      part.flatMap(({ latencies }) => latencies),
      0.999,
    )
  const descriptors = (part: readonly Sample[]) =>
    percentile(
      part.map(sample => sample.descriptors),
      0.5,
    )
  const minutes = samples.at(-1)!.minute
  const said = `${minutes.toFixed(1)} minutes say nothing; it was`
  const isShort = minutes < 10
  const end = samples.at(-1)!.mebibytes.toFixed(0)
  const ratio = p999(last) / p999(first)
  const latencies = `${p999(first).toFixed(1)} ms, then ${p999(last).toFixed(1)} ms`
  return {
    slope: isShort
      ? { skipped: `${said} ${growth.toFixed(1)} MiB/min` }
      : { value: growth, detail: `over ${minutes} minutes, at ${end} MiB in the end` },
    descriptors: isShort
      ? { skipped: `${said} ${descriptors(first)}, then ${descriptors(last)}` }
      : descriptors(last) - descriptors(first),
    slowest: isShort ? { skipped: `${said} ${latencies}` } : { value: ratio, detail: latencies },
    refused,
  }
}

/** A consumer that keeps up. */
async function readAlong(kafka: Kafka, stop: AbortSignal): Promise<void> {
  try {
    for await (const _ of kafka.read(topic, { from: 'latest', until: 'forever', signal: stop }));
  } catch (error) {
    if (!stop.aborted) throw error
  }
}

/** A client a second, that looks around and leaves. */
async function comeAndGo(broker: ServeProcess, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await using kafka = new Kafka({ brokers: broker.bootstrap })
    await kafka.admin().topics.describe(topic)
    await new Promise(resolve => setTimeout(resolve, 1_000))
  }
}
