/** What can go wrong, each as an act that makes it so and, where it passes, sets it right again. */
import { type Fate, type FaultRule, sleep } from '@odradek/world'
import { type FaultName, pick } from './plan.ts'
import { rot } from './rot.ts'
import type { Client, Scene } from './scene.ts'

/** Resolves when the fault is over. */
type Fault = (scene: Scene) => Promise<void>

const fates: readonly Fate[] = ['seeded', 'seeded', 'seeded', 'lost', 'kept']

export const faults: Record<FaultName, Fault> = {
  /** Power fails at any moment. */
  crash: async scene => {
    scene.server.crash({ unsynced: pick(scene.world.random, fates) })
    await comeBack(scene)
  },
  /** Power fails in the middle of a write, a sync, a rename, … */
  'crash-in-write': async scene => {
    const { random, clock } = scene.world
    const before = scene.server.crashes
    const disarm = scene.server.crashAt(fewer(random.next(), 60), { unsynced: pick(random, fates) })
    await waitUntil(scene, () => scene.server.crashes > before, 1_000)
    disarm()
    if (scene.server.crashes === before) return
    await sleep(clock, 0)
    await comeBack(scene)
  },
  /** kill -9: what was written is there. */
  kill: async scene => {
    scene.server.crash({ unsynced: 'kept' })
    await comeBack(scene)
  },
  restart: async scene => {
    await scene.server.stop()
    await comeBack(scene)
  },
  'sync-error': scene => failing(scene, { on: 'sync', code: 'EIO', path: pick(scene.world.random, logs) }),
  'write-error': scene => {
    const { random } = scene.world
    return failing(scene, { on: 'write', code: pick(random, ['EIO', 'ENOSPC']), path: pick(random, written) })
  },
  'open-error': scene => failing(scene, { on: 'open', code: pick(scene.world.random, ['EMFILE', 'EIO', 'ENOSPC']) }),
  'folder-error': scene =>
    failing(scene, {
      on: pick(scene.world.random, ['syncFolder', 'rename']),
      code: pick(scene.world.random, ['EIO', 'EIO', 'EMFILE']),
    }),
  rot,
  'full-disk': async scene => {
    const { disk } = scene.server.machine
    scene.server.mayFail = true
    disk.setCapacity(disk.usedBytes + fewer(scene.world.random.next(), 4_000))
    await passing(scene, 1_500)
    disk.setCapacity(Number.POSITIVE_INFINITY)
  },
  'slow-disk': async scene => {
    const { disk } = scene.server.machine
    disk.setTemper({ syncMs: [20, 300], readMs: [1, 60] })
    await passing(scene, 2_000)
    disk.setTemper(scene.plan)
  },
  'slow-links': async scene => {
    scene.world.wire.setWeather({ delayMs: [1, 400], splitChance: 0.5 })
    await passing(scene, 2_000)
    scene.world.wire.setWeather(scene.plan.weather)
  },
  cut: async scene => {
    const { world } = scene
    const client = anyClient(scene)
    world.wire.cut('broker', world.random.chance(0.5) ? client?.name : undefined)
  },
  partition: async scene => {
    const client = anyClient(scene)
    if (client === undefined) return
    scene.world.wire.partition('broker', client.name)
    await passing(scene, pick(scene.world.random, [500, 9_000]))
    scene.world.wire.heal('broker', client.name)
  },
  refuse: async scene => {
    scene.world.wire.refuse('broker')
    if (scene.world.random.chance(0.5)) scene.world.wire.cut('broker')
    await passing(scene, 1_500)
    scene.world.wire.refuse('broker', false)
  },
  'pause-broker': async scene => {
    const { machine } = scene.server
    machine.pause()
    await passing(scene, pick(scene.world.random, [300, 9_000]))
    machine.resume()
  },
  'pause-client': async scene => {
    const client = anyClient(scene)
    client?.machine.pause()
    await passing(scene, pick(scene.world.random, [300, 9_000]))
    client?.machine.resume()
  },
  'crash-client': async scene => {
    const client = anyClient(scene)
    if (client) scene.clients.crash(client)
  },
  /** Now and then one alone, now and then one for every few that were sent. */
  replay: async scene => {
    if (scene.plan.transactionVersion === 1) return
    for (let left = 1 + fewer(scene.world.random.next(), 40); left > 0; left--) {
      await passing(scene, 60)
      const [host, port] = scene.server.address.split(':')
      await scene.clients.replaying.replay(host!, Number(port)).catch(nobodyListens)
    }
  },
  'clock-jump': async scene => {
    const hours = pick(scene.world.random, [-240, -25, -1.5, 0.5, 1.5, 25, 240])
    scene.server.machine.jump(hours * 3_600_000)
  },
}

const logs = ['.log', '.log', '.log', '', 'checkpoint'] as const
/** The journal is written ahead: a refusal leaves it in a place where few come by. */
const written = ['', '', '.log', '/journal/', '/journal/'] as const

/** Trouble comes, at random, until its time is over. */
export async function makeTrouble(scene: Scene): Promise<void> {
  const { plan, world, recorder, faultCounts } = scene
  const end = world.clock.monotonic() + plan.troubleMs
  for (;;) {
    await sleep(world.clock, 2 * plan.faultEveryMs * world.random.next())
    if (world.clock.monotonic() >= end) return
    const name = pick(world.random, plan.faults)
    recorder.remark(`fault: ${name}`)
    faultCounts.set(name, (faultCounts.get(name) ?? 0) + 1)
    const over = faults[name](scene)
    // Some last, while others come.
    if (needsServer.has(name) || world.random.chance(0.5)) await over
    else void over
  }
}

/** These begin with a broker that is up, and leave it so. */
const needsServer: ReadonlySet<FaultName> = new Set(['crash', 'crash-in-write', 'kill', 'restart', 'pause-broker'])

/** The sun comes out: nothing fails any more, everybody runs. */
export function calm({ world, server, clients, plan }: Scene): void {
  const { disk } = server.machine
  disk.observe(undefined)
  disk.healAll()
  disk.setCapacity(Number.POSITIVE_INFINITY)
  disk.setTemper({ syncMs: [0.1, 0.5] })
  world.wire.heal()
  world.wire.refuse('broker', false)
  world.wire.setWeather({ delayMs: plan.weather.delayMs, splitChance: 0 })
  if (server.machine.isPaused) server.machine.resume()
  for (const client of clients.alive) if (client.machine.isPaused) client.machine.resume()
}

/** After a while the broker is started again; now and then power fails during that, too. */
async function comeBack({ server, world }: Scene): Promise<void> {
  await sleep(world.clock, fewer(world.random.next(), 1_500))
  await server.start(world.random.chance(0.2) ? fewer(world.random.next(), 30) : undefined)
}

/** Some operations fail, after some that do not; healed after a while, when they have not come by then. */
async function failing(scene: Scene, rule: FaultRule): Promise<void> {
  const { random } = scene.world
  scene.server.mayFail = true
  scene.server.machine.disk.fail({ ...rule, after: fewer(random.next(), 40), times: 1 + fewer(random.next(), 5) })
  await passing(scene, 1_000)
}

function passing({ world }: Scene, mostMs: number): Promise<void> {
  return sleep(world.clock, mostMs * world.random.next())
}

async function waitUntil({ world }: Scene, isTrue: () => boolean, mostMs: number): Promise<void> {
  for (const end = world.clock.monotonic() + mostMs; !isTrue() && world.clock.monotonic() < end; )
    await sleep(world.clock, 5)
}

function anyClient({ world, clients }: Scene): Client | undefined {
  return clients.alive.length > 0 ? pick(world.random, clients.alive) : undefined
}

/** Below `below`, small ones more often. */
const fewer = (fraction: number, below: number): number => Math.floor(fraction * fraction * below)

/** The broker is down, or its link is cut. */
function nobodyListens(): void {}
