/**
 * A scripted cluster and a client of it in simulated time, so that tests of timeouts take no time and every run of a seed is the
 * same run. Whatever waits must be awaited through `run`, which lets time pass until it has settled.
 */
import { type SimulatedWorld, simulatedWorld, type Weather } from '@odradek/world'
import { Kafka, type KafkaOptions } from '../kafka.ts'
import { ScriptedCluster, type ScriptedOptions } from './scripted-broker.ts'

export interface SimulatedOptions extends Omit<ScriptedOptions, 'wire'> {
  readonly seed?: number
  readonly weather?: Weather
  readonly kafka?: Partial<KafkaOptions>
}

export interface Simulation {
  readonly cluster: ScriptedCluster
  readonly kafka: Kafka
  readonly world: SimulatedWorld
  run<T>(promise: Promise<T>): Promise<T>
}

export async function simulated(
  options: SimulatedOptions,
  test: (simulation: Simulation) => Promise<void>,
): Promise<void> {
  const world = simulatedWorld({
    seed: options.seed ?? 1,
    weather: options.weather ?? { delayMs: [0.1, 1], splitChance: 0 },
  })
  const cluster = await ScriptedCluster.start({ ...options, wire: world.wire })
  const kafka = new Kafka({ brokers: cluster.bootstrap, world, ...options.kafka })
  const run = <T>(promise: Promise<T>) => world.clock.finish(promise)
  try {
    await test({ cluster, kafka, world, run })
  } finally {
    await run(kafka.close().catch(() => {}))
    await run(cluster[Symbol.asyncDispose]())
  }
}
