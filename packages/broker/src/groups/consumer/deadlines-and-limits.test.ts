/** What passes without a request: sessions, revocations that take too long; and what a group does when it is full or cannot be stored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../../refusal.ts'
import { placesIn } from '../topic-partitions.ts'
import { ConsumerHost, groupId } from './testing/consumer-host.ts'
import { MemberActor } from './testing/member-actor.ts'

async function twoMembers(): Promise<{ host: ConsumerHost; one: MemberActor; two: MemberActor }> {
  const host = await ConsumerHost.start()
  host.topic('t', 4)
  const one = new MemberActor(host, 'one')
  const two = new MemberActor(host, 'two')
  await one.beat()
  return { host, one, two }
}

test('a member that is silent for its session is out, and what it had is free at once', async () => {
  const { host, one, two } = await twoMembers()
  await host.pass(44_000)
  await two.beat()
  assert.equal(placesIn(two.working), 0)
  await host.pass(2_000)
  assert.ok(!host.group!.members.has('one'))
  await two.beat()
  assert.equal(placesIn(two.working), 4)
  assert.equal(await host.finish(one.beatOnce()), ErrorCodes.UNKNOWN_MEMBER_ID)
})

test('every heartbeat prolongs the session', async () => {
  const { host, one } = await twoMembers()
  for (let i = 0; i < 20; i++) {
    await host.pass(40_000)
    await one.beat()
  }
  assert.equal(one.epoch, 2)
})

test('a member that does not give up in time what it must is out, however alive it is', async () => {
  const { host, one, two } = await twoMembers()
  await two.beat()
  for (let i = 0; i < 11; i++) {
    await host.finish(host.groups.beat({ ...one.request(), owned: null }))
    await two.beat()
    assert.equal(placesIn(two.working), 0)
    await host.pass(5_000)
  }
  assert.ok(host.group!.members.has('one'))
  await host.pass(6_000)
  assert.ok(!host.group!.members.has('one'), 'a rebalance timeout of 60 s has passed')
  await two.beat()
  assert.equal(placesIn(two.working), 4)
})

test('a restart does not forget who must give up what, nor since when somebody is silent: both begin anew', async () => {
  const { host, two } = await twoMembers()
  await two.beat()
  await host.host.restart()
  await host.pass(44_000)
  await two.beat()
  assert.ok(host.group!.members.has('one'))
  await host.pass(2_000)
  assert.ok(!host.group!.members.has('one'))
})

test('a static member that is away keeps its partitions till its session ends', async () => {
  const { host, two } = await twoMembers()
  const fixed = new MemberActor(host, 'fixed-1')
  fixed.instanceId = 'i'
  await fixed.beat()
  await two.beat()
  const had = host.group!.target('fixed-1')
  await fixed.leave(-2)
  assert.equal(host.group!.members.get('fixed-1')!.current.epoch, -2)
  const { epoch } = host.group!
  const back = new MemberActor(host, 'fixed-2')
  back.instanceId = 'i'
  await back.beat()
  assert.equal(host.group!.epoch, epoch, 'nobody else notices')
  assert.deepEqual(host.group!.target('fixed-2'), had)
  await back.leave(-2)
  await host.pass(46_000)
  assert.equal(host.group!.staticMember('i'), undefined)
})

test('a full group takes nobody in, and turns nobody out', async () => {
  const host = await ConsumerHost.start({ maxSize: 1 })
  const [one, two] = [new MemberActor(host, 'one'), new MemberActor(host, 'two')]
  assert.equal(await host.finish(one.beatOnce()), 0)
  assert.equal(await host.finish(two.beatOnce()), ErrorCodes.GROUP_MAX_SIZE_REACHED)
  assert.equal(await host.finish(one.beatOnce()), 0)
  one.forget()
  assert.equal(await host.finish(one.beatOnce()), 0, 'it may come back')
})

test('what cannot be stored has not happened', async () => {
  const { host, one, two } = await twoMembers()
  host.host.refusal = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  assert.equal(await host.finish(two.beatOnce()), ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  assert.ok(!host.group!.members.has('two'))
  await host.finish(one.beatOnce())
  assert.equal(one.epoch, 2, 'what changes nothing needs no disk')
  await host.pass(50_000)
  assert.ok(host.group!.members.has('one'), 'nor can anybody be taken out')
  host.host.refusal = null
  await host.pass(2_000)
  assert.ok(!host.group!.members.has('one'), 'that is tried again')
})

test('requests refused in the middle of others leave nothing behind', async () => {
  const { host } = await twoMembers()
  const asked = ['a', 'b', 'c', 'd'].map(id => {
    const actor = new MemberActor(host, id)
    if (id === 'c') actor.topicRegex = '('
    return host.groups.beat(actor.request())
  })
  const settled = await host.finish(Promise.allSettled(asked))
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual([...host.group!.members.keys()].sort(), ['a', 'b', 'd', 'one'])
  host.check()
})

test('a regular expression names topics as they come and go; what RE2 does not know is refused', async () => {
  const host = await ConsumerHost.start()
  const actor = new MemberActor(host, 'one', [])
  actor.topicRegex = 'orders-.*'
  await actor.beat()
  assert.equal(placesIn(actor.working), 0)
  host.topic('orders-eu', 2)
  host.topic('other', 2)
  await actor.beat()
  assert.equal(placesIn(actor.working), 2)
  host.topic('orders-us', 3)
  await actor.beat()
  assert.equal(placesIn(actor.working), 5)
  host.deleteTopic('orders-eu')
  await actor.beat()
  assert.equal(placesIn(actor.working), 3)
  await host.host.restart()
  await actor.beat()
  assert.equal(placesIn(actor.working), 3)
  const [regex] = host.group!.regexes.keys()
  assert.equal(regex, 'orders-.*')
  actor.subscribe(['other'])
  await actor.beat()
  assert.equal(host.group!.regexes.size, 0, 'nobody uses it any more')
  for (const refused of ['(?<=a)b', '((((){1000}){1000}){1000}){1000}']) {
    actor.subscribe([], refused)
    assert.equal(await host.finish(actor.beatOnce()), ErrorCodes.INVALID_REGULAR_EXPRESSION)
  }
})

test('1,000 heartbeats that change nothing take no write, and little time', async () => {
  const host = await ConsumerHost.start()
  host.topic('t', 2000)
  const actors = Array.from({ length: 1000 }, (_, i) => new MemberActor(host, `member-${i}`))
  await host.finish(Promise.all(actors.map(actor => actor.beatOnce())))
  for (let i = 0; i < 4; i++) await host.finish(Promise.all(actors.map(actor => actor.beatOnce())))
  assert.equal(host.group!.state, 'Stable')
  const appends = host.host.appended.length
  const start = process.cpuUsage()
  for (const actor of actors) assert.ok(!(host.groups.beat(actor.request()) instanceof Promise))
  const { user, system } = process.cpuUsage(start)
  assert.equal(host.host.appended.length, appends)
  assert.ok(user + system < 500_000, `${(user + system) / 1000} ms for 1,000 heartbeats`)
})

test('heartbeats for groups that are none are refused', async () => {
  const host = await ConsumerHost.start()
  const actor = new MemberActor(host, 'one')
  const refused = (epoch: number) => {
    try {
      return host.groups.beat({ ...actor.request(), groupId, memberEpoch: epoch })
    } catch (error) {
      return error instanceof Refusal ? error.errorCode : error
    }
  }
  assert.equal(refused(1), ErrorCodes.GROUP_ID_NOT_FOUND)
})
