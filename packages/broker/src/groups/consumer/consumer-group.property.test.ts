/** Members come, go, die and change, topics come and go, the broker restarts and its disk fails: nothing is owned twice, and all settles. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import fc from 'fast-check'
import { placesIn } from '../topic-partitions.ts'
import { ConsumerHost } from './testing/consumer-host.ts'
import { MemberActor } from './testing/member-actor.ts'

const names = ['t', 'u', 'v']
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('beat' as const), who: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('beatAll' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('join' as const),
      topics: fc.subarray(names),
      pattern: fc.constantFrom(null, null, '[tu]', '.*'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('subscribe' as const), who: fc.nat(9), topics: fc.subarray(names) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('leave' as const, 'die' as const, 'fence' as const, 'away' as const),
      who: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('topic' as const),
      name: fc.constantFrom(...names),
      partitions: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('noTopic' as const), name: fc.constantFrom(...names) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('restart' as const, 'crash' as const, 'fail' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 100, max: 20_000 }) }),
  },
)
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

class History {
  readonly host: ConsumerHost
  actors: MemberActor[] = []
  #made = 0

  constructor(host: ConsumerHost) {
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
        return this.#join(event.topics, event.pattern)
      case 'subscribe':
        return actor?.subscribe(event.topics)
      case 'leave':
        this.#remove(actor)
        return actor?.leave()
      case 'die':
        return this.#remove(actor)
      case 'fence':
        // It lost its state, and comes back under its id.
        return actor?.forget()
      case 'away':
        return this.#awayAndBack(actor)
      case 'topic':
        return void host.topic(event.name, event.partitions)
      case 'noTopic':
        return host.deleteTopic(event.name)
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

  async #join(topics: readonly string[], pattern: string | null): Promise<void> {
    if (this.actors.length >= 8) return
    const actor = new MemberActor(this.host, `member-${++this.#made}`, topics)
    actor.topicRegex = pattern
    if (this.#made % 3 === 0) actor.instanceId = `instance-${this.#made}`
    if (this.#made % 2 === 0) actor.serverAssignor = 'range'
    this.actors.push(actor)
    await actor.beat()
  }

  async #awayAndBack(actor: MemberActor | undefined): Promise<void> {
    if (!actor || actor.instanceId === null) return
    await actor.leave(-2)
    this.#remove(actor)
    const back = new MemberActor(this.host, `member-${++this.#made}`, actor.topicNames)
    back.instanceId = actor.instanceId
    this.actors.push(back)
    await back.beat()
  }

  async #failOnce(): Promise<void> {
    this.host.host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
    await this.host.finish(Promise.all(this.actors.map(actor => actor.beatOnce())))
    this.host.host.refusal = null
  }

  #remove(actor: MemberActor | undefined): void {
    this.actors = this.actors.filter(other => other !== actor)
  }

  /** What live members work on is never the same, but for one who was silent so long that he was given up. */
  check(): void {
    this.host.check()
    const { group } = this.host
    const owners = new Map<string, string>()
    for (const actor of this.actors) {
      if (group?.members.get(actor.id) === undefined) continue
      for (const [topicId, partitions] of actor.working) {
        for (const partition of partitions) {
          const place = `${topicId}-${partition}`
          assert.equal(owners.get(place), undefined, `${actor.id} and ${owners.get(place)} work on ${place}`)
          owners.set(place, actor.id)
        }
      }
    }
  }

  /** Whoever is dead is given up after a session; then a few heartbeats are enough for everything to be where it shall be. */
  async settle(): Promise<void> {
    const { host } = this
    for (let i = 0; i < 11; i++) {
      await host.pass(host.settings.heartbeatIntervalMs)
      for (const actor of this.actors) await actor.beat()
      this.check()
    }
    for (let i = 0; i < 3; i++) for (const actor of this.actors) await actor.beat()
    this.check()
    if (this.actors.length === 0) return
    assert.equal(host.group!.state, 'Stable')
    assert.deepEqual([...host.group!.members.keys()].sort(), this.actors.map(({ id }) => id).sort())
    for (const actor of this.actors)
      assert.equal(
        placesIn(actor.working),
        placesIn(host.group!.target(actor.id)),
        `${actor.id} has what it shall have`,
      )
    const wanted = [...host.topics()].filter(({ name }) =>
      this.actors.some(
        ({ topicNames, topicRegex }) => topicNames.includes(name) || new RegExp(`^${topicRegex ?? '()'}$`).test(name),
      ),
    )
    const expected = wanted.reduce((sum, { partitions }) => sum + partitions.length, 0)
    assert.equal(
      this.actors.reduce((sum, actor) => sum + placesIn(actor.working), 0),
      expected,
    )
  }
}

test('whatever happens, a partition has one owner, and the group settles when nothing more happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async events => {
      const history = new History(await ConsumerHost.start())
      history.host.topic('t', 3)
      for (const event of events) {
        await history.happen(event)
        history.check()
      }
      await history.settle()
      await history.host.host.stop()
    }),
    { numRuns: 150 },
  )
})
