import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { after, hasEnded, type InstanceEvent, type InstanceState } from './instance-state.ts'

const events: InstanceEvent[] = ['start', 'moving', 'settled', 'close', 'fail', 'ended']

/** Every state × every event; a dot: nothing changes. */
const table = `
                  start        moving       settled  close             fail           ended
CREATED           REBALANCING  .            .        PENDING_SHUTDOWN  .              .
REBALANCING       .            .            RUNNING  PENDING_SHUTDOWN  PENDING_ERROR  .
RUNNING           .            REBALANCING  .        PENDING_SHUTDOWN  PENDING_ERROR  .
PENDING_SHUTDOWN  .            .            .        .                 .              NOT_RUNNING
NOT_RUNNING       .            .            .        .                 .              .
PENDING_ERROR     .            .            .        .                 .              ERROR
ERROR             .            .            .        .                 .              .`

test('every event in every state leads where the table says', () => {
  for (const line of table.trim().split('\n').slice(1)) {
    const [state, ...expected] = line.split(/\s+/) as [InstanceState, ...string[]]
    for (const [i, event] of events.entries()) {
      const next = expected[i] === '.' ? state : expected[i]
      assert.equal(after(state, event), next, `${state} on ${event}`)
    }
  }
})

test('whatever happens, an instance that is told to close or has failed comes to its end, and stays there', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events)), fc.array(fc.constantFrom(...events)), (before, rest) => {
      const told = after(before.reduce(after, 'CREATED' as InstanceState), 'close')
      const ended = after(told, 'ended')
      assert.ok(hasEnded(ended))
      assert.equal(rest.reduce(after, ended), ended)
    }),
  )
})
