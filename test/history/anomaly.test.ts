/** What a person reads of an anomaly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anomalyText } from './anomaly.ts'
import { checkHistory } from './check-history.ts'

test('an anomaly is shown with its events', () => {
  const records = [0, 1].map(offset => ({ partition: 'orders-0', offset, value: 'a' }))
  const [anomaly] = checkHistory([
    { kind: 'send', process: 'producer', value: 'a' },
    { kind: 'poll', process: 'reader', records },
  ]).failures
  assert.equal(
    anomalyText(anomaly!),
    [
      'duplicate: a is at orders-0@0 and at orders-0@1',
      '    #0 send process=producer value=a',
      '    #1 poll process=reader orders-0@0=a orders-0@1=a',
    ].join('\n'),
  )
})
