import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GroupWorld } from '../testing/group-world.ts'
import type { DeadlineName } from './group-event.ts'

/** What may happen next; the numbers choose among those it can happen to. */
const happening = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('join' as const), who: fc.nat(6), version: fc.constantFrom(3, 4, 9) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('change' as const),
      who: fc.nat(6),
      metadata: fc.uint8Array({ maxLength: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom('heartbeat' as const, 'commit' as const, 'syncAgain' as const),
      who: fc.nat(6),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('leave' as const, 'crash' as const), who: fc.nat(6) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('stored' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('storeFails' as const, 'delete' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('deadline' as const), which: fc.nat(20) }) },
)
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

function happen(world: GroupWorld, event: Happening): void {
  const actor = 'who' in event ? world.actors[event.who % world.actors.length]! : world.actors[0]!
  switch (event.type) {
    case 'join':
      world.join(actor, event.version)
      break
    case 'change':
      if (actor.phase !== 'out') world.join(actor, 4, event.metadata)
      break
    case 'syncAgain':
      if (actor.phase === 'syncing' || actor.phase === 'in') world.sync(actor)
      break
    case 'heartbeat':
      if (actor.phase === 'in') world.send({ type: 'heartbeat', ...world.claim(actor) })
      break
    case 'commit':
      if (actor.phase === 'in') world.send({ type: 'commit', ...world.claim(actor), isTransactional: false })
      break
    case 'leave':
      if (actor.memberId !== '') world.leave(actor)
      break
    case 'crash':
      world.crash(actor)
      break
    case 'stored':
      world.settleStore(0)
      break
    case 'storeFails':
      world.settleStore(15)
      break
    case 'delete':
      world.send({ type: 'delete', ticket: world.ticket(null) })
      break
    case 'deadline': {
      const due = [...world.deadlines]
      if (due.length > 0) world.pass(due[event.which % due.length]!)
    }
  }
}

/** Nothing new happens: writes succeed and deadlines pass, a session's only when nobody speaks for its member. */
function settle(world: GroupWorld): void {
  for (let round = 0; round === 0 || (round < 50 && (world.asked.size > 0 || world.stores.length > 0)); round++) {
    while (world.stores.length > 0) world.settleStore(0)
    const isAlive = (name: DeadlineName) =>
      world.actors.some(actor => `session:${actor.memberId}` === name && actor.phase !== 'out')
    for (const name of [...world.deadlines]) if (world.deadlines.has(name) && !isAlive(name)) world.pass(name)
  }
}

const runs = { numRuns: 400 }

test('whatever happens, no partition has two owners in a generation, and what members say arrives as they said it', () => {
  const property = fc.property(
    fc.array(happening, { maxLength: 60, size: 'max' }),
    fc.constantFrom(0, 3_000),
    (events, initialRebalanceDelayMs) => {
      const world = new GroupWorld(5, { initialRebalanceDelayMs })
      for (const event of events) happen(world, event)
    },
  )
  fc.assert(property, runs)
})

test('whatever happened, every request is answered in the end', () => {
  const property = fc.property(
    fc.array(happening, { maxLength: 60, size: 'max' }),
    fc.constantFrom(0, 3_000),
    (events, initialRebalanceDelayMs) => {
      const world = new GroupWorld(4, { initialRebalanceDelayMs })
      for (const event of events) happen(world, event)
      settle(world)
      assert.equal(world.asked.size, 0, `${world.asked.size} requests wait for ever in ${world.group.state}`)
    },
  )
  fc.assert(property, runs)
})

test('members that go on as clients do end up in a stable group that owns every partition', () => {
  const property = fc.property(fc.array(happening, { maxLength: 40, size: 'max' }), events => {
    const world = new GroupWorld(4, {})
    for (const event of events) happen(world, event)
    settle(world)
    for (let round = 0; round < 8; round++) {
      // Heartbeats tell of a rebalance well before its time is up.
      for (let beat = 0; beat < 3; beat++) {
        for (const actor of world.actors) {
          if (actor.phase === 'in') world.send({ type: 'heartbeat', ...world.claim(actor) })
          if (actor.phase === 'out') world.join(actor, 4)
        }
        while (world.stores.length > 0) world.settleStore(0)
      }
      settle(world)
    }
    assert.equal(world.group.state, 'Stable')
    assert.deepEqual([...world.owners.get(world.group.generation)!.keys()].sort(), [0, 1, 2, 3, 4, 5, 6])
  })
  fc.assert(property, runs)
})
