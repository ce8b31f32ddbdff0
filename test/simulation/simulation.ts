/**
 * A broker, its clients, its disk and the wire between them, in one process, from one seed:
 *
 *     plan ─▶ start ─▶ clients work while trouble comes ─▶ calm, broker up ─▶ all is answered ─▶ power fails once more ─▶ audit ─▶ check
 *
 * The same seed gives the same run, event by event, in any process.
 */
import { simulatedWorld, sleep } from '@odradek/world'
import { type Anomaly, type AnomalyName, anomalyText } from '../history/anomaly.ts'
import { checkHistory } from '../history/check-history.ts'
import { Administering } from './administering.ts'
import { askCommitted, audit, Unreadable, verify } from './audit.ts'
import { finishProcessing, makeOutput, noteProcessed, OutputReading } from './exactly-once.ts'
import { calm, makeTrouble } from './faults.ts'
import { type FaultName, type Plan, planOf } from './plan.ts'
import { Processing } from './processing.ts'
import { Producing } from './producing.ts'
import { Queueing, serveAll, takeRest } from './queueing.ts'
import { Membership, Reading } from './reading.ts'
import { Recorder } from './recorder.ts'
import { Clients, type Scene } from './scene.ts'
import { SimulatedServer } from './simulated-server.ts'
import { speakTransactions } from './transaction-version.ts'

export interface Outcome {
  seed: number
  plan: Plan
  anomalies: Anomaly[]
  /** What went wrong besides. */
  failure: Failure | undefined
  simulatedMs: number
  crashes: number
  starts: number
  faultCounts: ReadonlyMap<FaultName, number>
  acknowledged: number
  read: number
  /** Records that the broker has refused as damaged. */
  refused: number
  diskOperations: number
  /** Of the whole trace. */
  hash: string
  recorder: Recorder
}

/**
 * `unreadable`: in the end a log could not be read whole; `stuck`: something never came to an end; `error`: something threw that should
 * not.
 */
export type FailureName = 'unreadable' | 'stuck' | 'error'

export interface Failure {
  name: FailureName
  text: string
}

/** Simulated; a run that takes longer is stuck. */
const mostMs = 3_600_000

export async function simulate(seed: number): Promise<Outcome> {
  const plan = planOf(seed)
  const world = simulatedWorld({ seed, weather: plan.weather, disk: plan })
  const recorder = new Recorder(world.clock)
  using server = new SimulatedServer(world, plan.brokerConfig, recorder)
  const clients = new Clients(world, server.address)
  const scene: Scene = { plan, world, server, recorder, clients, faultCounts: new Map(), rotten: new Set() }
  using _version = speakTransactions(plan.transactionVersion)
  const troubles = new Troubles()
  let failure: Failure | undefined
  try {
    await world.clock.finish(Promise.race([run(scene), troubles.first]), { withinMs: mostMs })
  } catch (error) {
    failure = failureOf(error as Error, recorder)
  } finally {
    troubles.stop()
  }
  const anomalies = anomaliesIn(recorder, plan, failure !== undefined)
  recorder.remark(`${server.machine.disk.operations} disk operations, ${world.clock.monotonic()} ms`)
  return {
    ...{ seed, plan, anomalies, failure, recorder, faultCounts: scene.faultCounts },
    simulatedMs: world.clock.monotonic(),
    crashes: server.crashes,
    starts: server.starts,
    acknowledged: recorder.events.filter(({ kind }) => kind === 'sent').length,
    read: recorder.events.reduce((sum, event) => sum + (event.kind === 'poll' ? event.records.length : 0), 0),
    refused: new Set(
      recorder.events.flatMap(event => (event.kind === 'refused' ? `${event.partition}@${event.offset}` : [])),
    ).size,
    diskOperations: server.machine.disk.operations,
    hash: recorder.hash(),
  }
}

function failureOf(error: Error, recorder: Recorder): Failure {
  const isStuck = /the condition does not hold/.test(error.message)
  const name = error instanceof Unreadable ? 'unreadable' : isStuck ? 'stuck' : 'error'
  const causes = error.cause === undefined ? '' : `\n    because of ${(error.cause as Error).stack}`
  return { name, text: `${name}: ${error.stack}${causes}\n    the last thing before: ${recorder.lastRemark()}` }
}

/** A partition that nobody has read to its end tells nothing about what lies beyond; all that matter have been, unless the run failed. */
function anomaliesIn({ events }: Recorder, { topics }: Plan, hasFailed: boolean): Anomaly[] {
  const openEnded: ReadonlySet<AnomalyName> = new Set(hasFailed ? ['unseen', 'lost-write'] : ['unseen'])
  const ofPartition = (partition: string) => topics.find(({ name }) => partition.startsWith(`${name}-`))
  const rules = {
    isCompacted: (partition: string) => ofPartition(partition)?.isCompacted === true,
    deleteRetentionMs: (partition: string) => ofPartition(partition)!.deleteRetentionMs,
  }
  return checkHistory(events, rules).failures.filter(({ name }) => !openEnded.has(name))
}

export const isClean = ({ anomalies, failure }: Outcome): boolean => anomalies.length === 0 && failure === undefined

const mostAnomaliesShown = 5

export function outcomeText({ seed, plan, anomalies, failure }: Outcome): string {
  const lines = anomalies.slice(0, mostAnomaliesShown).map(anomalyText)
  if (anomalies.length > lines.length) lines.push(`and ${anomalies.length - lines.length} more`)
  if (failure !== undefined) lines.push(failure.text)
  return [`seed ${seed}, ${plan.profile}:`, ...lines].join('\n')
}

async function run(scene: Scene): Promise<void> {
  const { plan, server, world, clients } = scene
  await server.start()
  const admin = clients.start('founder')
  for (const { name, partitions, config } of plan.topics)
    await admin.kafka.admin().topics.create({ name, partitions, config })
  if (plan.processors > 0) await makeOutput(scene, admin.kafka)
  const producing = plan.producers.map(planned => new Producing(scene, planned))
  const members = Array.from({ length: plan.members }, () => new Membership(scene))
  const readings = Array.from({ length: plan.readers }, () => new Reading(scene))
  const processing = Array.from({ length: plan.processors }, (_, place) => new Processing(scene, place))
  const workers = Array.from({ length: plan.workers }, () => new Queueing(scene))
  const watchers = plan.processors > 0 ? [new OutputReading(scene)] : []
  const administering = plan.hasAdmin ? [new Administering(scene)] : []
  const sent = Promise.all(producing.map(each => each.run()))
  const others = [...members, ...readings, ...administering, ...processing, ...watchers, ...workers].map(each =>
    each.run(),
  )
  const watching = watchCommits(scene, admin.kafka)

  await makeTrouble(scene)
  calm(scene)
  if (!server.isUp) await server.start()
  server.mayFail = false
  for (const each of producing) each.stop()
  for (const each of administering) each.stop()
  // Partitions that a failed sync took offline come back with a restart.
  if (plan.endsWith === 'restart') await server.stop()
  else server.crash({ unsynced: plan.endsWith === 'kill' ? 'kept' : 'seeded' })
  await server.start()
  await sent
  await sleep(world.clock, 500)
  for (const each of [...readings, ...processing]) each.stop()
  if (plan.processors > 0) await finishProcessing(scene, admin.kafka)
  if (plan.workers > 0) await serveAll(scene, workers)
  for (const each of watchers) each.stop()
  await Promise.all([...members, ...workers].map(each => each.stop()))
  await Promise.all(others)
  await watching.stop()
  await clients.close(admin)
  if (plan.endsWith === 'power-cut') {
    server.crash({ unsynced: 'lost' })
    await server.start()
  }
  await audit(scene)
  if (plan.workers > 0) await takeRest(scene)
  if (plan.processors > 0) await noteProcessed(scene)
  await server.stop()
  await verify(scene)
}

/** Asks again and again what the group has committed. */
function watchCommits(scene: Scene, kafka: Scene['clients']['alive'][number]['kafka']): { stop(): Promise<void> } {
  const { plan, world, recorder } = scene
  let isOver = plan.members === 0
  const watching = (async () => {
    for (let i = 0; !isOver; i++) {
      await sleep(world.clock, 400)
      await askCommitted(scene, kafka, `w${i}`).catch(error => recorder.remark(`watcher: ${error.message}`))
    }
  })()
  return {
    stop: () => {
      isOver = true
      return watching
    },
  }
}

/** What nobody catches. The last breath of a process whose machine has crashed is no trouble. */
class Troubles {
  readonly first: Promise<never>
  readonly #heard: (error: unknown) => void

  constructor() {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.first = promise
    this.#heard = error => {
      if (!/machine has crashed/.test(String((error as Error)?.message))) reject(error)
    }
    process.on('unhandledRejection', this.#heard)
    process.on('uncaughtException', this.#heard)
  }

  stop(): void {
    process.off('unhandledRejection', this.#heard)
    process.off('uncaughtException', this.#heard)
  }
}
