import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type EpochEvent, type EpochMembership, hasHeartbeats, step, stranger } from './epoch-membership.ts'

const partitions = fc
  .uniqueArray(fc.nat(4))
  .map(numbers => numbers.map(partition => ({ topic: 't', topicId: 'T', partition })))

type Move =
  | { kind: 'event'; event: (m: EpochMembership) => EpochEvent }
  /** The application polls: hooks that wait run to their end, as long as the coordinator says `during` meanwhile. */
  | { kind: 'poll'; during: ((m: EpochMembership) => EpochEvent) | undefined }

const answers = fc.oneof(
  fc.nat(9).map(
    epoch =>
      (m: EpochMembership): EpochEvent => ({ type: 'answered', stay: m.stay, epoch: epoch + 1 }),
  ),
  fc.tuple(partitions, fc.boolean()).map(([some, isOld]) => (m: EpochMembership): EpochEvent => {
    return { type: 'assigned', stay: isOld ? m.stay - 1 : m.stay, partitions: some }
  }),
  fc.constantFrom('retry' as const, 'findCoordinator' as const, 'beat' as const, 'lose' as const, 'lose' as const).map(
    reaction =>
      (m: EpochMembership): EpochEvent => ({ type: 'refused', stay: m.stay, reaction }),
  ),
)
const moves: fc.Arbitrary<Move> = fc.oneof(
  answers.map(event => ({ kind: 'event' as const, event })),
  fc
    .constantFrom('subscribed' as const, 'pollOverdue' as const)
    .map(type => ({ kind: 'event' as const, event: () => ({ type }) })),
  fc.option(answers, { nil: undefined }).map(during => ({ kind: 'poll' as const, during })),
)

test('through any history the hooks agree with what heartbeats say is owned, and everything lost is told lost once', () => {
  fc.assert(
    fc.property(fc.array(moves, { maxLength: 40 }), history => {
      let m = stranger(false)
      /** What the application was told it has. */
      const told = new Set<number>()
      let job: { revoked: number[]; added: number[]; lost: number[] } | undefined
      const on = (event: EpochEvent) => {
        const before = m
        const { membership, effects } = step(m, event)
        m = membership
        for (const effect of effects) {
          const numbers = (some: readonly { partition: number }[]) => some.map(at => at.partition)
          if (effect.do === 'reconcile')
            job = { revoked: numbers(effect.revoked), added: numbers(effect.added), lost: [] }
          if (effect.do === 'release') job = { revoked: [], added: [], lost: numbers(effect.partitions) }
          if (effect.do === 'beat') assert(hasHeartbeats(m), `a heartbeat in ${m.phase}`)
        }
        if (event.type === 'pollOverdue') job = undefined
        if (m.isLost && !before.isLost && job && job.lost.length === 0 && !isRunning) {
          job = undefined
          on({ type: 'hooksSkipped' })
        }
      }
      let isRunning = false
      const poll = (during: ((m: EpochMembership) => EpochEvent) | undefined) => {
        on({ type: 'polled' })
        for (let rounds = 0; job; rounds++) {
          assert(rounds < 10, 'hooks without end')
          const { revoked, added, lost } = job
          job = undefined
          isRunning = true
          for (const one of [...revoked, ...lost]) assert(told.delete(one), `${one} was taken twice`)
          if (during && rounds === 0) on(during(m))
          for (const one of added) assert(!told.has(one) && told.add(one), `${one} was given twice`)
          isRunning = false
          on({ type: 'hooksRan' })
        }
      }
      on({ type: 'subscribed' })
      for (const move of history) {
        if (move.kind === 'event') on(move.event(m))
        else poll(move.during)
        const owned = m.owned.map(at => at.partition)
        assert.deepEqual(owned.toSorted(), [...told].toSorted(), 'what is said to be owned')
        if (m.phase === 'joining') assert.equal(owned.length, 0, 'nobody joins with what was lost')
        assert.equal(m.isLost && hasHeartbeats(m), false)
      }
      poll(undefined)
      assert.equal(m.isLost, false)
    }),
    { numRuns: 500 },
  )
})
