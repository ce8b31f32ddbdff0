/** Members come, go and die, topics grow and go, the broker restarts and its disk fails: no task is worked on twice, and all settles. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import fc from 'fast-check'
import { placesIn } from '../topic-partitions.ts'
import { splitTaskKey } from './tasks.ts'
import { StreamsActor } from './testing/streams-actor.ts'
import { countRoles, StreamsHost } from './testing/streams-host.ts'

const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('beat' as const), who: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('beatAll' as const) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('join' as const), process: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('leave' as const, 'die' as const, 'fence' as const), who: fc.nat(9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('topic' as const), partitions: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('noLines' as const, 'noChangelog' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('standbys' as const), count: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('restart' as const, 'crash' as const, 'fail' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 100, max: 20_000 }) }),
  },
)
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

class History {
  readonly host: StreamsHost
  actors: StreamsActor[] = []
  #made = 0

  constructor(host: StreamsHost) {
    this.host = host
  }

  async happen(event: Happening): Promise<void> {
    const { host, actors } = this
    const actor = 'who' in event ? actors[event.who % Math.max(actors.length, 1)] : undefined
    switch (event.type) {
      case 'beat':
        return actor?.beat()
      case 'beatAll':
        await host.finish(Promise.all(actors.map(each => each.beatOnce())))
        return
      case 'join':
        return this.#join(`process-${event.process}`)
      case 'leave':
        this.#remove(actor)
        return actor?.leave()
      case 'die':
        return this.#remove(actor)
      case 'fence':
        return actor?.forget()
      case 'topic':
        return this.topics(event.partitions)
      case 'noLines':
        return host.deleteTopic('lines')
      case 'noChangelog':
        return host.deleteTopic('changelog')
      case 'standbys':
        host.settings = { ...host.settings, numStandbyReplicas: event.count }
        return
      case 'restart':
        return host.host.restart()
      case 'crash':
        return host.host.crash()
      case 'fail':
        return this.#failOnce()
      case 'pass':
        return host.pass(event.ms)
    }
  }

  /** Internal topics are made anew with it, or they would not fit. */
  topics(partitions: number): void {
    this.host.topic('lines', partitions)
    for (const name of ['words', 'changelog']) this.host.deleteTopic(name)
  }

  async #join(processId: string): Promise<void> {
    if (this.actors.length >= 8) return
    const actor = new StreamsActor(this.host, `member-${++this.#made}`, processId)
    this.actors.push(actor)
    await actor.beat()
  }

  async #failOnce(): Promise<void> {
    this.host.host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
    await this.host.finish(Promise.all(this.actors.map(actor => actor.beatOnce())))
    this.host.host.refusal = null
  }

  #remove(actor: StreamsActor | undefined): void {
    this.actors = this.actors.filter(other => other !== actor)
  }

  /** What live members work on is never the same, but for one who was silent so long that he was given up. */
  check(): void {
    this.host.check()
    const owners = new Map<string, string>()
    for (const actor of this.actors) {
      if (this.host.group?.members.get(actor.id) === undefined) continue
      for (const [key, partitions] of actor.working) {
        if (splitTaskKey(key).role !== 'active') continue
        for (const partition of partitions) {
          const task = `${key}_${partition}`
          assert.equal(owners.get(task), undefined, `${actor.id} and ${owners.get(task)} work on ${task}`)
          owners.set(task, actor.id)
        }
      }
    }
  }

  /** Whoever is dead is given up after a session; then a few heartbeats are enough for everything to be where it shall be. */
  async settle(): Promise<void> {
    const { host } = this
    if (host.partitionsOf('lines') === 0) this.topics(2)
    for (let i = 0; i < 11; i++) {
      await host.pass(host.settings.heartbeatIntervalMs)
      for (const actor of this.actors) await actor.beat()
      this.check()
    }
    for (let i = 0; i < 3; i++) for (const actor of this.actors) await actor.beat()
    this.check()
    if (this.actors.length === 0) return
    const group = host.group!
    assert.equal(group.state, 'Stable')
    assert.deepEqual([...group.members.keys()].sort(), this.actors.map(({ id }) => id).sort())
    for (const actor of this.actors) assert.equal(placesIn(actor.working), placesIn(group.target(actor.id)))
    const partitions = host.partitionsOf('lines')
    const processes = new Set(this.actors.map(({ processId }) => processId)).size
    const standby = partitions * Math.min(host.settings.numStandbyReplicas, processes - 1)
    assert.deepEqual(countRoles(group), { active: 2 * partitions, standby, warmup: 0 })
  }
}

test('whatever happens, a task is active once, and the group settles when nothing more happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), fc.constantFrom(0, 3000), async (events, delay) => {
      const history = new History(await StreamsHost.start({ initialRebalanceDelayMs: delay, numStandbyReplicas: 1 }))
      history.topics(3)
      for (const event of events) {
        await history.happen(event)
        history.check()
      }
      await history.settle()
      await history.host.host.stop()
    }),
    { numRuns: 120 },
  )
})
