/** SIGKILL again and again under four producers, a group and an admin; some kills meet a broker that ends or starts. */
import { Kafka } from '@odradek/client'
import { freePort, ServeProcess } from '../../durability/serve-process.ts'
import type { Chaos } from '../chaos.ts'
import { atMost, exactly, item } from '../item.ts'
import { fillLog } from '../load/ballast.ts'
import { percentile } from '../load/percentile.ts'
import { RecordedLoad } from '../load/recorded-load.ts'
import { historyBars, historyFigures } from '../load/verdict-figures.ts'

const mebibyte = 1024 * 1024

export const killNine = item({
  id: 'R1',
  what: 'kill -9 again and again',
  bars: {
    ...historyBars,
    rebalances: exactly(2, 'assignments of the two members, the first included'),
    restart: atMost(2_000, 'restart to first acknowledgement, p99', 'ms'),
  },
  async run(chaos) {
    const kills = chaos.count({ quick: 6, full: 200 })
    const size = chaos.count({ quick: 64, full: 1024 })
    const port = await freePort()
    const args = [
      '--listen',
      `127.0.0.1:${port}`,
      '--data',
      chaos.folder(),
      '-c',
      'group.initial.rebalance.delay.ms=1000',
    ]
    let broker = await chaos.serve(args)
    const connect = () => new Kafka({ brokers: `127.0.0.1:${port}`, retryTimeoutMs: 120_000 })
    const load = new RecordedLoad({ connect })
    {
      await using kafka = connect()
      await kafka.admin().topics.create({ name: load.topic, partitions: 8 })
    }
    await fillLog(broker.address, load.topic, 8, size * mebibyte)
    await load.start()
    const restarts: number[] = []
    for (let kill = 0; kill < kills; kill++) {
      await load.progress()
      await pause(chaos.options.isQuick ? chaos.random.int(700) : 1_000 + chaos.random.int(4_000))
      await killedSomehow(chaos, broker, args, kill)
      const from = performance.now()
      const acknowledged = load.sends.more(1)
      broker = await chaos.serve(args)
      await Promise.race([acknowledged, load.progress()])
      restarts.push(performance.now() - from)
      if (kill % 20 === 19) chaos.say(`${kill + 1} kills, ${load.acknowledged} records acknowledged`)
    }
    await load.progress()
    const verdict = await load.finish()
    const slowest = `${kills} kills, ${size} MiB of log; median ${Math.round(percentile(restarts, 0.5))} ms, slowest ${Math.round(Math.max(...restarts))} ms`
    return {
      ...historyFigures(verdict, chaos),
      rebalances: verdict.rebalances,
      restart: { value: Math.round(percentile(restarts, 0.99)), detail: slowest },
    }
  },
})

async function killedSomehow(chaos: Chaos, broker: ServeProcess, args: readonly string[], kill: number): Promise<void> {
  if (kill % 5 === 1) await broker.killedEnding(chaos.random.int(30))
  else await broker.end('SIGKILL')
  if (kill % 5 === 3) await ServeProcess.killedStarting(args, 100 + chaos.random.int(200))
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
