import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Effect,
  type Membership,
  type MembershipEvent,
  needsHeartbeats,
  outsider,
  type Phase,
  step,
} from './membership.ts'
import type { Reaction } from './membership-errors.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

const p = (...numbers: number[]): TopicPartition[] => numbers.map(partition => ({ topic: 't', partition }))

/** Plays events, and remembers what was asked for. */
class Play {
  membership: Membership
  effects: Effect[] = []

  constructor(protocol: Membership['protocol'], isStatic = false) {
    this.membership = outsider(protocol, isStatic)
  }

  on(event: MembershipEvent): this {
    const { membership, effects } = step(this.membership, event)
    this.membership = membership
    this.effects = [...effects]
    return this
  }

  get did(): string[] {
    return this.effects.map(effect => {
      const of = 'partitions' in effect ? ` ${effect.partitions.map(at => at.partition).join(',')}` : ''
      const how = effect.do === 'release' && effect.lost ? ' lost' : ''
      const moves =
        effect.do === 'reconcile'
          ? ` -${effect.revoked.map(at => at.partition).join(',')} +${effect.added.map(at => at.partition).join(',')}`
          : ''
      return effect.do + of + how + moves
    })
  }

  join(generation = 1, isLeader = false): this {
    return this.on({ type: 'joined', attempt: this.membership.attempt, memberId: 'm', generation, isLeader })
  }

  sync(...assigned: number[]): this {
    return this.on({ type: 'synced', attempt: this.membership.attempt, assigned: p(...assigned) })
  }

  refuse(reaction: Reaction, memberId?: string): this {
    const attempt = this.membership.attempt
    return this.on({ type: 'refused', attempt, reaction, reason: 'r', ...(memberId !== undefined && { memberId }) })
  }

  beat(reaction: Reaction): this {
    return this.on({ type: 'heartbeatRefused', generation: this.membership.generation, reaction, reason: 'r' })
  }

  /** A member with partitions 0 and 1. */
  static stable(protocol: Membership['protocol'], isStatic = false): Play {
    const play = new Play(protocol, isStatic).on({ type: 'subscribed', topics: ['t'] })
    return play.join().sync(0, 1).on({ type: 'hooksRan' })
  }
}

test('a member joins, syncs, tells the hooks and is stable', () => {
  const play = new Play('cooperative').on({ type: 'subscribed', topics: ['t'] })
  assert.deepEqual(play.did, ['join'])
  assert.deepEqual(play.join().did, ['sync'])
  assert.deepEqual(play.sync(0, 1).did, ['reconcile - +0,1'])
  assert.deepEqual(play.on({ type: 'hooksRan' }).did, [])
  assert.equal(play.membership.phase, 'stable')
  assert.deepEqual(play.membership.owned, p(0, 1))
})

test('an eager member releases everything before it joins again', () => {
  const play = Play.stable('eager').beat('rejoin')
  assert.deepEqual(play.did, ['release 0,1'])
  assert.deepEqual(play.on({ type: 'hooksRan' }).did, ['join'])
  assert.deepEqual(play.membership.owned, [])
  assert.deepEqual(play.join(2).sync(0).did, ['reconcile - +0'])
})

test('a cooperative member keeps what it has while it joins again', () => {
  const play = Play.stable('cooperative').beat('rejoin')
  assert.deepEqual(play.did, ['join'])
  assert.deepEqual(play.membership.owned, p(0, 1))
  assert.deepEqual(play.join(2).sync(0, 1).did, ['reconcile - +'])
})

test('a cooperative member gives up what it was not assigned, and joins again so that others get it', () => {
  const play = Play.stable('cooperative').beat('rejoin').join(2).sync(1, 2)
  assert.deepEqual(play.did, ['reconcile -0 +2'])
  assert.deepEqual(play.on({ type: 'hooksRan' }).did, ['join'])
  assert.deepEqual(play.membership.owned, p(1, 2))
})

test('a cooperative member releases partitions of topics it no longer wants before it joins', () => {
  const play = Play.stable('cooperative').on({ type: 'subscribed', topics: ['u'] })
  assert.deepEqual(play.did, ['release 0,1'])
})

test('the id that the coordinator requires is used at once, without a pause', () => {
  const play = new Play('cooperative').on({ type: 'subscribed', topics: ['t'] }).refuse('useMemberId', 'given')
  assert.deepEqual(play.effects, [{ do: 'join', attempt: 2, refusals: 0, reason: 'r' }])
  assert.equal(play.membership.memberId, 'given')
})

test('a coordinator that has moved is looked for before the next try', () => {
  const play = new Play('cooperative').on({ type: 'subscribed', topics: ['t'] }).refuse('findCoordinator')
  assert.deepEqual(play.did, ['findCoordinator', 'join'])
  assert.deepEqual(Play.stable('cooperative').beat('findCoordinator').did, ['findCoordinator'])
})

test('a lost generation loses every partition, under the same member id', () => {
  const play = Play.stable('cooperative').beat('loseGeneration')
  assert.deepEqual(play.did, ['release 0,1 lost'])
  assert.equal(play.membership.generation, -1)
  assert.deepEqual(play.on({ type: 'hooksRan' }).did, ['join'])
  assert.equal(play.membership.memberId, 'm')
})

test('a forgotten member joins as somebody new', () => {
  const play = Play.stable('cooperative').beat('loseMembership').on({ type: 'hooksRan' })
  assert.equal(play.membership.memberId, '')
  assert.deepEqual(play.did, ['join'])
})

test('a generation that is lost while hooks run is told when they have run', () => {
  const play = Play.stable('cooperative').beat('rejoin').join(2).sync(0, 1, 2).beat('loseMembership')
  assert.deepEqual(play.did, [])
  assert.deepEqual(play.on({ type: 'hooksRan' }).did, ['release 0,1,2 lost'])
})

test('a stale refusal of a heartbeat says nothing of the present generation (platformatic #250, #268)', () => {
  const play = Play.stable('cooperative')
  const stale = play.on({ type: 'heartbeatRefused', generation: 0, reaction: 'loseMembership', reason: 'r' })
  assert.deepEqual([stale.did, stale.membership.phase], [[], 'stable'])
})

test('a heartbeat or commit refused while JoinGroup is under way waits for its answer', () => {
  const play = Play.stable('cooperative').beat('rejoin').beat('loseGeneration')
  assert.equal(play.membership.isLost, false)
  assert.deepEqual(play.join(2).did, ['sync'])
})

test('answers to older requests are ignored', () => {
  const play = new Play('cooperative').on({ type: 'subscribed', topics: ['t'] }).refuse('retry')
  play.on({ type: 'joined', attempt: 1, memberId: 'old', generation: 9, isLeader: false })
  assert.deepEqual([play.membership.phase, play.membership.memberId], ['joining', ''])
})

test('a rebalance during SyncGroup joins again with the same member id', () => {
  const play = new Play('cooperative')
    .on({ type: 'subscribed', topics: ['t'] })
    .join()
    .refuse('rejoin')
  assert.deepEqual(play.did, ['join'])
  assert.equal(play.membership.memberId, 'm')
})

test('a wish to rejoin during a rebalance is granted after it', () => {
  const play = Play.stable('cooperative').beat('rejoin').join(2).on({ type: 'rejoinWanted', reason: 'topics' })
  assert.deepEqual(play.did, [])
  assert.deepEqual(play.sync(0, 1).on({ type: 'hooksRan' }).did, ['join'])
})

test('whoever is not polled leaves, and joins anew with the next poll', () => {
  const play = Play.stable('cooperative').on({ type: 'pollOverdue' })
  assert.deepEqual(play.did, ['leave'])
  assert.equal(needsHeartbeats(play.membership), false)
  assert.deepEqual(play.on({ type: 'polled' }).did, ['release 0,1 lost'])
  assert.deepEqual(play.on({ type: 'hooksRan' }).did, ['join'])
  assert.equal(play.membership.memberId, '')
})

test('a member that was assigned partitions but is never polled for them leaves all the same', () => {
  const play = Play.stable('cooperative').beat('rejoin').join(2).sync(0, 1, 2).on({ type: 'pollOverdue' })
  assert.deepEqual(play.did, ['leave'])
  assert.deepEqual(play.on({ type: 'polled' }).did, ['release 0,1 lost'])
})

test('a static member that is not polled only falls silent', () => {
  const play = Play.stable('cooperative', true).on({ type: 'pollOverdue' })
  assert.deepEqual(play.did, [])
  assert.equal(play.membership.memberId, 'm')
})

test('a member that closes leaves the group at once; a static one stays known', () => {
  assert.deepEqual(Play.stable('cooperative').on({ type: 'left' }).did, ['leave'])
  assert.deepEqual(Play.stable('cooperative', true).on({ type: 'left' }).did, [])
})

test('a fenced member fails, and does nothing any more', () => {
  const play = Play.stable('cooperative', true).beat('fail')
  assert.deepEqual([play.membership.phase, play.did], ['failed', ['fail']])
  assert.deepEqual(play.on({ type: 'polled' }).on({ type: 'rejoinWanted', reason: 'r' }).did, [])
})

const beating: Record<Phase, boolean> = {
  outside: false,
  releasing: true,
  joining: false,
  syncing: true,
  reconciling: true,
  stable: true,
  failed: false,
  left: false,
}

test('heartbeats go on in every phase in which no JoinGroup is parked', () => {
  for (const [phase, beats] of Object.entries(beating) as [Phase, boolean][]) {
    const membership = { ...Play.stable('cooperative').membership, phase }
    assert.equal(needsHeartbeats(membership), beats, phase)
  }
})

const reactions: Reaction[] = [
  'retry',
  'findCoordinator',
  'rejoin',
  'loseGeneration',
  'loseMembership',
  'useMemberId',
  'fail',
]
const assignments = fc.uniqueArray(fc.nat(4), { maxLength: 4 })
const steps = fc.oneof(
  fc.constant((play: Play) => play.on({ type: 'hooksRan' })),
  fc.constant((play: Play) => play.join(play.membership.generation + 2)),
  assignments.map(list => (play: Play) => play.sync(...list)),
  fc.constantFrom(...reactions.filter(r => r !== 'fail')).map(r => (play: Play) => play.refuse(r, 'x')),
  fc.constantFrom(...reactions.filter(r => r !== 'fail')).map(r => (play: Play) => play.beat(r)),
  fc.constantFrom('pollOverdue', 'polled').map(type => (play: Play) => play.on({ type } as MembershipEvent)),
  fc.constant((play: Play) => play.on({ type: 'rejoinWanted', reason: 'r' })),
  fc.constantFrom([], ['t'], ['t', 'u']).map(topics => (play: Play) => play.on({ type: 'subscribed', topics })),
)

test('whatever happens, each partition is given and taken in turns, and an eager member joins with nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom('eager', 'cooperative'), fc.array(steps, { maxLength: 60 }), (protocol, events) => {
      const play = new Play(protocol as Membership['protocol']).on({ type: 'subscribed', topics: ['t'] })
      const owned = new Set<string>()
      let hooks: (() => void) | undefined
      for (const event of events) {
        const before = play.membership
        event(play)
        // The engine says that hooks have run only when some were asked for, and runs them in between.
        if (play.membership.phase === 'outside') hooks = undefined
        else if (before.pending !== null && play.membership.pending !== before.pending) {
          hooks?.()
          hooks = undefined
          assert.deepEqual([...owned].sort(), play.membership.owned.map(keyOf).sort())
        }
        for (const effect of play.effects) {
          if (effect.do === 'release') {
            hooks = () => {
              for (const at of effect.partitions) assert(owned.delete(keyOf(at)), 'released what was not owned')
            }
          }
          if (effect.do === 'reconcile') {
            hooks = () => {
              for (const at of effect.revoked) assert(owned.delete(keyOf(at)), 'revoked what was not owned')
              for (const at of effect.added) {
                assert(!owned.has(keyOf(at)), 'assigned what was owned')
                owned.add(keyOf(at))
              }
            }
          }
          if (effect.do === 'join' && protocol === 'eager') assert.equal(play.membership.owned.length, 0)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever happened, a member that is answered kindly becomes stable', () => {
  fc.assert(
    fc.property(fc.constantFrom('eager', 'cooperative'), fc.array(steps, { maxLength: 40 }), (protocol, events) => {
      const play = new Play(protocol as Membership['protocol']).on({ type: 'subscribed', topics: ['t'] })
      for (const event of events) event(play)
      let rounds = 0
      while (play.membership.phase !== 'stable') {
        assert(rounds++ < 40, `stuck in ${play.membership.phase}`)
        if (play.membership.pending) play.on({ type: 'hooksRan' })
        else if (play.membership.phase === 'joining') play.join(100 + rounds)
        else if (play.membership.phase === 'syncing') play.sync(0)
        else play.on({ type: 'polled' })
      }
    }),
  )
})
