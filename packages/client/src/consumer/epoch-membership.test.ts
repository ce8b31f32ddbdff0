import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EpochEffect, type EpochEvent, type EpochMembership, step, stranger } from './epoch-membership.ts'
import type { EpochReaction } from './epoch-reactions.ts'

const p = (...numbers: number[]) => numbers.map(partition => ({ topic: 't', topicId: 'T', partition }))

/** Plays events, and remembers what was asked for. */
class Play {
  membership: EpochMembership
  effects: readonly EpochEffect[] = []

  constructor(isStatic = false) {
    this.membership = stranger(isStatic)
  }

  on(event: EpochEvent): this {
    const { membership, effects } = step(this.membership, event)
    this.membership = membership
    this.effects = effects
    return this
  }

  get did(): string[] {
    const list = (some: readonly { partition: number }[]) => some.map(at => at.partition).join(',')
    return this.effects.map(effect => {
      if (effect.do === 'release') return `lost ${list(effect.partitions)}`
      if (effect.do === 'reconcile') return `-${list(effect.revoked)} +${list(effect.added)}`
      return effect.do
    })
  }

  answer(epoch: number): this {
    return this.on({ type: 'answered', stay: this.membership.stay, epoch })
  }

  assign(...numbers: number[]): this {
    return this.on({ type: 'assigned', stay: this.membership.stay, partitions: p(...numbers) })
  }

  refuse(reaction: EpochReaction): this {
    return this.on({ type: 'refused', stay: this.membership.stay, reaction })
  }

  ran(): this {
    return this.on({ type: 'hooksRan' })
  }

  /** A member with partitions 0 and 1. */
  static member(isStatic = false): Play {
    return new Play(isStatic).on({ type: 'subscribed' }).answer(1).assign(0, 1).ran()
  }

  get state(): [string, number, string] {
    const { phase, epoch, owned } = this.membership
    return [phase, epoch, owned.map(at => at.partition).join(',')]
  }
}

test('a member joins with a heartbeat, tells the hooks what it was assigned, and acknowledges', () => {
  const play = new Play().on({ type: 'subscribed' })
  assert.deepEqual([play.did, play.state], [['beat'], ['joining', 0, '']])
  assert.deepEqual([play.answer(3).did, play.state], [[], ['stable', 3, '']])
  assert.deepEqual([play.assign(0, 1).did, play.state], [['- +0,1'], ['reconciling', 3, '']])
  assert.deepEqual([play.ran().did, play.state], [['beat'], ['stable', 3, '0,1']])
})

test('what stays is in neither hook, and what goes is acknowledged only after its hook', () => {
  const play = Play.member().assign(1, 2)
  assert.deepEqual([play.did, play.state], [['-0 +2'], ['reconciling', 1, '0,1']])
  assert.deepEqual([play.ran().did, play.state], [['beat'], ['stable', 1, '1,2']])
})

test('an assignment that comes while hooks run waits for them, and the first is acknowledged before', () => {
  const play = Play.member().assign(1).assign(1, 2)
  assert.deepEqual(play.did, [])
  assert.deepEqual(
    [play.ran().did, play.state],
    [
      ['beat', '- +2'],
      ['reconciling', 1, '1'],
    ],
  )
  assert.deepEqual([play.ran().did, play.state], [['beat'], ['stable', 1, '1,2']])
})

test('an assignment that says what is owned already needs nothing', () => {
  assert.deepEqual(Play.member().assign(0, 1).did, [])
})

test('a topic made anew under its old name is another topic', () => {
  const play = Play.member()
  const anew = p(0, 1).map(at => ({ ...at, topicId: 'U' }))
  assert.deepEqual(play.on({ type: 'assigned', stay: play.membership.stay, partitions: anew }).did, ['-0,1 +0,1'])
})

test('an epoch that rises changes nothing else', () => {
  assert.deepEqual(Play.member().answer(7).state, ['stable', 7, '0,1'])
})

test('whoever is fenced loses everything, and joins again when that has been told', () => {
  const play = Play.member().refuse('lose')
  assert.deepEqual([play.did, play.state, play.membership.isLost], [['lost 0,1'], ['releasing', -1, '0,1'], true])
  assert.deepEqual([play.ran().did, play.state, play.membership.isLost], [['beat'], ['joining', 0, ''], false])
  assert.equal(play.membership.losses, 1)
})

test('hooks that run when the member is fenced end first; then what they left is lost', () => {
  const play = Play.member().assign(1, 2).refuse('lose')
  assert.deepEqual(play.did, [])
  assert.deepEqual(play.ran().did, ['lost 1,2'])
  assert.deepEqual(play.ran().did, ['beat'])
})

test('hooks that have not begun when the member is fenced are skipped', () => {
  const play = Play.member().assign(1, 2).refuse('lose').on({ type: 'hooksSkipped' })
  assert.deepEqual(play.did, ['lost 0,1'])
})

test('answers of an earlier stay count for nothing', () => {
  const play = Play.member()
  const { stay } = play.membership
  play.refuse('lose').ran()
  const before = play.membership
  play.on({ type: 'answered', stay, epoch: 9 }).on({ type: 'assigned', stay, partitions: p(5) })
  play.on({ type: 'refused', stay, reaction: 'lose' })
  assert.deepEqual(play.membership, before)
})

test('a refusal that passes is counted until an answer comes', () => {
  const play = Play.member().refuse('retry').refuse('findCoordinator')
  assert.deepEqual([play.did, play.membership.refusals, play.state], [['findCoordinator'], 2, ['stable', 1, '0,1']])
  assert.equal(play.answer(1).membership.refusals, 0)
})

test('a stale epoch is asked for at once', () => {
  assert.deepEqual(Play.member().refuse('beat').did, ['beat'])
})

test('a coordinator that declines is told on, at once or when what is owned has been told lost', () => {
  const refused = new Play().on({ type: 'subscribed' }).refuse('decline')
  assert.deepEqual([refused.did, refused.state[0]], [['decline'], 'declined'])
  const member = Play.member().refuse('decline')
  assert.deepEqual(member.did, ['lost 0,1'])
  assert.deepEqual([member.ran().did, member.state], [['decline'], ['declined', -1, '']])
})

test('whoever is not polled leaves, and comes back with the next poll', () => {
  const play = Play.member().on({ type: 'pollOverdue' })
  assert.deepEqual([play.did, play.state], [['leave'], ['outside', -1, '0,1']])
  assert.deepEqual(play.on({ type: 'subscribed' }).did, [])
  assert.deepEqual(play.on({ type: 'polled' }).did, ['lost 0,1'])
  assert.deepEqual(play.ran().did, ['beat'])
  assert.deepEqual(play.on({ type: 'polled' }).did, [])
})

test('hooks that nobody came to run are forgotten with the poll that did not come', () => {
  const play = Play.member().assign(1, 2).on({ type: 'pollOverdue' })
  assert.deepEqual(play.on({ type: 'polled' }).did, ['lost 0,1'])
})

test('other topics are told with a heartbeat at once', () => {
  assert.deepEqual(Play.member().on({ type: 'subscribed' }).did, ['beat'])
})

test('after a failure and after leaving nothing more happens', () => {
  for (const type of ['failed', 'left'] as const) {
    const play = Play.member().on({ type })
    assert.equal(play.membership.phase, type)
    assert.deepEqual(play.answer(5).assign(3).on({ type: 'polled' }).on({ type: 'subscribed' }).did, [])
    assert.equal(play.membership.epoch, -1)
  }
  assert.equal(Play.member().refuse('fail').membership.isLost, true)
})
