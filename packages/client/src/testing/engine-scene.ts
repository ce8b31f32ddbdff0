/** A consumer engine on a scripted cluster in simulated time: what the engine's tests play in. */
import { encodeBatch } from '@odradek/protocol'
import type { ConsumerEngine, EngineOptions } from '../consumer/engine.ts'
import { createConsumerEngine } from '../consumer/poll-engine.ts'
import { ConsumerAnswers } from './consumer-answers.ts'
import type { ScriptedCluster } from './scripted-broker.ts'
import { type SimulatedOptions, type Simulation, simulated } from './simulated-cluster.ts'

export interface Scene extends Simulation {
  readonly answers: ConsumerAnswers
  engine(options?: EngineOptions): ConsumerEngine
  /** Polls until `count` records have come. */
  take(engine: ConsumerEngine, count: number): Promise<string[]>
}

export async function play(options: SimulatedOptions, test: (scene: Scene) => Promise<void>): Promise<void> {
  await simulated({ topics: { t: 1 }, ...options }, async simulation => {
    const { cluster, kafka, run, world } = simulation
    const engines: ConsumerEngine[] = []
    const scene: Scene = {
      ...simulation,
      answers: new ConsumerAnswers(cluster, world.clock),
      engine(more = {}) {
        const engine = createConsumerEngine(kafka.cluster, { from: 'earliest', ...more })
        engines.push(engine)
        return engine
      },
      async take(engine, count) {
        const values: string[] = []
        while (values.length < count) {
          for (const { records } of await run(engine.poll(1_000))) {
            for (const { offset, value } of records) values.push(`${offset}=${Buffer.from(value!)}`)
          }
        }
        return values
      },
    }
    try {
      await test(scene)
    } finally {
      for (const engine of engines) await run(engine.close())
    }
  })
}

export function append(cluster: ScriptedCluster, value: string, partition = 0, leaderEpoch = 0): void {
  const bytes = encodeBatch([{ value: Buffer.from(value) }], { leaderEpoch })
  cluster.partition('t', partition).append(bytes)
}

export const t0 = { topic: 't', partition: 0 }
