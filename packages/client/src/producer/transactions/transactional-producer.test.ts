import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndTxn, ErrorCodes, FindCoordinator, Produce, UsageError } from '@odradek/protocol'
import { claimOf, transactionScene } from '../../testing/transaction-scene.ts'
import type { TransactionError } from './transaction-error.ts'

const offsets = [{ topic: 'a', partition: 1, offset: 7 }]

test('by the new rules a transaction is its writes and one end, and the next one begins with the epoch that the end told', async () => {
  await transactionScene({}, async ({ txp, run, story }) => {
    for (let i = 0; i < 2; i++)
      await run(
        txp.transaction(tx => {
          tx.send('a', { partition: 0, value: 'x' })
          tx.send('a', { partition: 1, value: 'x' })
          tx.send('a', { partition: 1, value: 'y' })
          tx.commitOffsets(offsets, claimOf())
        }),
      )
    const round = (epoch: number) => [
      `Produce v13 0 seq 0 1000/${epoch}, 1 seq 0 1000/${epoch}`,
      `TxnOffsetCommit v5 g/m/4 a-1 1000/${epoch}`,
      `EndTxn v5 commit 1000/${epoch}`,
    ]
    const [first, ...rest] = story()
    assert.equal(first, 'InitProducerId -1/-1')
    assert.deepEqual(rest.slice(0, 3).toSorted(), round(0).toSorted())
    assert.deepEqual(rest.slice(3).toSorted(), round(1).toSorted())
    assert.equal(rest[2], 'EndTxn v5 commit 1000/0', 'after the rest')
  })
})

test('by the old rules partitions and groups are told before, all of a turn at once, and sequence numbers go on', async () => {
  await transactionScene({ rules: 'old' }, async ({ txp, run, story }) => {
    const work = () =>
      txp.transaction(tx => {
        tx.send('a', { partition: 0, value: 'x' })
        tx.send('a', { partition: 1, value: 'x' })
      })
    await run(work())
    await run(work())
    await run(txp.transaction(tx => tx.commitOffsets(offsets, claimOf())))
    assert.deepEqual(story(), [
      'InitProducerId -1/-1',
      'AddPartitionsToTxn v3 a-0 a-1 1000/0',
      'Produce v11 0 seq 0 1000/0, 1 seq 0 1000/0',
      'EndTxn v4 commit 1000/0',
      'AddPartitionsToTxn v3 a-0 a-1 1000/0',
      'Produce v11 0 seq 1 1000/0, 1 seq 1 1000/0',
      'EndTxn v4 commit 1000/0',
      'AddOffsetsToTxn g 1000/0',
      'TxnOffsetCommit v4 g/m/4 a-1 1000/0',
      'EndTxn v4 commit 1000/0',
    ])
  })
})

test('a cluster that has been upgraded meanwhile is met with an epoch of its own', async () => {
  await transactionScene({ rules: 'old' }, async ({ cluster, world, txp, run, story }) => {
    await run(txp.transaction(tx => tx.send('b', { value: 'x' })))
    cluster.nodes[0]!.features = { 'transaction.version': 2 }
    cluster.nodes[0]!.hangUp()
    await world.clock.advance(10)
    await run(txp.transaction(tx => tx.send('b', { value: 'y' })))
    assert.deepEqual(story().slice(-3), [
      'InitProducerId 1000/0',
      'Produce v13 0 seq 0 1000/1',
      'EndTxn v5 commit 1000/1',
    ])
  })
})

test('what is thrown aborts the transaction; one in which nothing happened costs no request', async () => {
  await transactionScene({}, async ({ txp, run, story }) => {
    const thrown = new Error('no')
    const done = txp.transaction(async tx => {
      await tx.send('b', { value: 'x' })
      throw thrown
    })
    await assert.rejects(run(done), error => error === thrown)
    await assert.rejects(run(txp.transaction(() => Promise.reject(thrown))), error => error === thrown)
    assert.equal(await run(txp.transaction(() => 7)), 7)
    assert.deepEqual(story(), ['InitProducerId -1/-1', 'Produce v13 0 seq 0 1000/0', 'EndTxn v5 abort 1000/0'])
  })
})

test('records that wait when the function throws are never sent, those for a topic that is not found among them', async () => {
  await transactionScene({}, async ({ cluster, txp, run, story }) => {
    const done = txp.transaction(async tx => {
      tx.send('nowhere', { value: 'x' })
      tx.send('b', { value: 'x' })
      throw new Error('no')
    })
    await assert.rejects(run(done), /no/)
    assert.deepEqual(story(), ['InitProducerId -1/-1'])
    cluster.addTopic('nowhere', 1)
    await run(txp.transaction(tx => tx.send('nowhere', { value: 'y' })))
    assert.deepEqual(cluster.partition('nowhere').values(), ['y'])
  })
})

test('a producer does one transaction at a time, and sends nothing outside of one', async () => {
  await transactionScene({}, async ({ kafka, txp, run }) => {
    let kept: any
    await run(
      txp.transaction(async tx => {
        kept = tx
        await assert.rejects(
          txp.transaction(() => {}),
          /one at a time/,
        )
        await assert.rejects(txp.takeOver(), UsageError)
      }),
    )
    // @ts-expect-error: types say so too
    assert.throws(() => txp.send('a', { value: 'x' }), /tx\.send in producer\.transaction/)
    // @ts-expect-error
    assert.throws(() => txp.sendAll('a', []), UsageError)
    // @ts-expect-error: without a transactionalId there are no transactions
    assert.throws(() => kafka.producer().transaction(() => {}), UsageError)
    await assert.rejects(kept.send('a', { value: 'x' }), /the transaction is over/)
    await assert.rejects(kept.commitOffsets(offsets, claimOf()), /the transaction is over/)
    await assert.rejects(txp.transaction(7 as any), /takes a function/)
    assert.throws(() => kafka.producer({ transactionalId: '' }), UsageError)
    assert.throws(() => kafka.producer({ transactionalId: 'y', acks: 1 } as any), /leave out `acks`/)
    await run(txp.close())
    await assert.rejects(
      txp.transaction(() => {}),
      /closed/,
    )
  })
})

test('a refused record ends the transaction, whoever awaited it, and says whether trying again makes sense', async () => {
  for (const [code, retriable] of [
    [ErrorCodes.MESSAGE_TOO_LARGE, false],
    [ErrorCodes.TOPIC_AUTHORIZATION_FAILED, false],
    [ErrorCodes.TRANSACTION_ABORTABLE, true],
    [ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, true],
    [ErrorCodes.INVALID_PRODUCER_EPOCH, true],
  ] as const) {
    await transactionScene({}, async ({ cluster, txp, run, story }) => {
      cluster.once(Produce, ({ topicData: [row] }) => {
        const { name, topicId } = row!
        return { responses: [{ name, topicId, partitionResponses: [{ index: 0, errorCode: code, baseOffset: -1 }] }] }
      })
      let signal: AbortSignal | undefined
      const done = txp.transaction(async tx => {
        signal = tx.signal
        tx.send('b', { value: 'x' })
        await new Promise(resolve => tx.signal.addEventListener('abort', resolve))
        await assert.rejects(tx.send('b', { value: 'y' }), error => error === tx.signal.reason)
        tx.send('b', { value: 'nobody awaits this one' })
      })
      await assert.rejects(
        run(done),
        (error: TransactionError) => !error.fatal && error.retriable === retriable && error === signal!.reason,
      )
      await run(txp.transaction(tx => tx.send('b', { value: 'z' })))
      assert.deepEqual(story().slice(1), [
        'Produce v13 0 seq 0 1000/0',
        'EndTxn v5 abort 1000/0',
        'Produce v13 0 seq 0 1000/1',
        'EndTxn v5 commit 1000/1',
      ])
    })
  }
})

test('by the old rules a lost sequence number is made good with an epoch from InitProducerId', async () => {
  await transactionScene({ rules: 'old' }, async ({ cluster, txp, run, story }) => {
    cluster.once(Produce, ({ topicData: [row] }) => ({
      responses: [
        {
          name: row!.name,
          partitionResponses: [{ index: 0, errorCode: ErrorCodes.INVALID_RECORD, baseOffset: -1 }],
        },
      ],
    }))
    await assert.rejects(run(txp.transaction(tx => tx.send('b', { value: 'x' }))), /INVALID_RECORD/)
    await run(txp.transaction(tx => tx.send('b', { value: 'y' })))
    assert.deepEqual(story().slice(3), [
      'EndTxn v4 abort 1000/0',
      'InitProducerId 1000/0',
      'AddPartitionsToTxn v3 b-0 1000/1',
      'Produce v11 0 seq 0 1000/1',
      'EndTxn v4 commit 1000/1',
    ])
  })
})

test('a record that cannot be made is for its sender to deal with: the transaction goes on', async () => {
  await transactionScene({}, async ({ cluster, txp, run }) => {
    await run(
      txp.transaction(async tx => {
        await assert.rejects(tx.send('b', {} as any), UsageError)
        await assert.rejects(tx.send('b', { value: 'x', partition: 9 }), UsageError)
        await tx.send('b', { value: 'instead' })
      }),
    )
    assert.deepEqual(cluster.partition('b').values(), ['instead'])
  })
})

test('an end whose answer is lost is told again, on another connection and to another coordinator', async () => {
  await transactionScene({ nodes: 2 }, async ({ cluster, txp, run, story }) => {
    cluster.once(EndTxn, () => 'hang-up')
    cluster.once(EndTxn, () => ({ errorCode: ErrorCodes.NOT_COORDINATOR }))
    cluster.once(EndTxn, () => ({ errorCode: ErrorCodes.CONCURRENT_TRANSACTIONS }))
    await run(txp.transaction(tx => tx.send('b', { value: 'x' })))
    assert.deepEqual(story().slice(2), Array(4).fill('EndTxn v5 commit 1000/0'))
    assert.equal(cluster.count(FindCoordinator), 3)
  })
})
