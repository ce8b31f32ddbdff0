import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LostPositions } from './lost-positions.ts'

const at = { topic: 't', partition: 0 }

test('a position that the log does not have is lost until reading begins anew, at the earliest record', () => {
  const lost = new LostPositions(() => undefined)
  lost.began(at)
  assert.equal(lost.reasonOf(at), undefined)
  assert.equal(lost.hooks.onPositionLost!({ ...at, reason: 'offset 3 is out of range' }), 'earliest')
  assert.equal(lost.reasonOf(at), 'offset 3 is out of range')
  assert.equal(lost.reasonOf({ ...at, partition: 1 }), undefined)
  lost.began(at)
  assert.equal(lost.reasonOf(at), undefined)
})

test('a position is lost when the topic is another one, and not while that is not known', () => {
  let id: string | undefined = 'one'
  const lost = new LostPositions(() => id)
  lost.began(at)
  for (const [now, reason] of [
    ['one', undefined],
    [undefined, undefined],
    ['other', 'the topic was deleted and made anew'],
  ] as const) {
    id = now
    assert.equal(lost.reasonOf(at), reason)
  }
  lost.began(at, 'one')
  assert.ok(lost.reasonOf(at), 'it was looked at before the other one came')
})
