import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AddPartitionsToTxn,
  EndTxn,
  ErrorCodes,
  FindCoordinator,
  InitProducerId,
  Produce,
  TxnOffsetCommit,
} from '@odradek/protocol'
import { claimOf, transactionScene } from '../../testing/transaction-scene.ts'
import type { TransactionError } from './transaction-error.ts'

const offsets = [{ topic: 'a', partition: 1, offset: 7 }]
const refusedOffsets = (errorCode: number) => ({
  topics: [{ name: 'a', partitions: [{ partitionIndex: 1, errorCode }] }],
})

test('a coordinator that knows a newer producer ends this one for good', async () => {
  for (const code of [ErrorCodes.PRODUCER_FENCED, ErrorCodes.INVALID_PRODUCER_EPOCH]) {
    await transactionScene({}, async ({ cluster, txp, run, story }) => {
      cluster.once(EndTxn, () => ({ errorCode: code }))
      const isFenced = (error: TransactionError) =>
        error.fatal && !error.retriable && error.code === 'PRODUCER_FENCED' && /make a new one/.test(error.message)
      await assert.rejects(run(txp.transaction(tx => tx.send('b', { value: 'x' }))), isFenced)
      const before = story().length
      await assert.rejects(run(txp.transaction(tx => tx.send('b', { value: 'y' }))), isFenced)
      await assert.rejects(run(txp.takeOver()), isFenced)
      assert.equal(story().length, before, 'nothing is asked any more')
      await run(txp.close())
    })
  }
})

test('what cannot be begun says what to do: forbidden ids, timeouts that are too long, clusters without transactions', async () => {
  for (const [code, advice] of [
    [ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, /Allow this user/],
    [ErrorCodes.INVALID_TRANSACTION_TIMEOUT, /Lower transactionTimeoutMs/],
  ] as const) {
    await transactionScene({}, async ({ cluster, txp, run }) => {
      cluster.once(InitProducerId, () => ({ errorCode: code, producerEpoch: -1 }))
      await assert.rejects(
        run(txp.transaction(() => assert.fail('it has not begun'))),
        (error: TransactionError) => error.fatal && advice.test(error.message),
      )
    })
  }
})

test('a cluster that cannot be reached is no reason to give the producer up', async () => {
  await transactionScene({ kafka: { retryTimeoutMs: 500 } }, async ({ cluster, txp, run }) => {
    await run(cluster.nodes[0]!.stop())
    await assert.rejects(run(txp.transaction(() => {})), (error: TransactionError) => !error.fatal && error.retriable)
    await run(cluster.nodes[0]!.listen())
    await run(txp.transaction(tx => tx.send('b', { value: 'x' })))
    assert.deepEqual(cluster.partition('b').values(), ['x'])
  })
})

test('when nobody says whether the commit has come to pass, that is said, and the next transaction begins with a new epoch', async () => {
  const producer = { deliveryTimeoutMs: 3_000 }
  await transactionScene({ producer, kafka: { requestTimeoutMs: 500 } }, async ({ cluster, txp, run, story }) => {
    const outcomes: string[] = []
    const owner = claimOf({ end: outcome => outcomes.push(outcome) })
    cluster.on(EndTxn, () => 'silence')
    const done = txp.transaction(tx => tx.commitOffsets(offsets, owner))
    await assert.rejects(
      run(done),
      (error: TransactionError) => error.code === 'COMMIT_OUTCOME_UNKNOWN' && !error.fatal && !error.retriable,
    )
    assert.deepEqual(outcomes, ['unknown'])
    cluster.on(EndTxn, (request, call) => cluster.healthy(EndTxn, request, call))
    await run(txp.transaction(tx => tx.commitOffsets(offsets, owner)))
    assert.deepEqual(story().slice(-3), [
      'InitProducerId 1000/0',
      'TxnOffsetCommit v5 g/m/4 a-1 1000/1',
      'EndTxn v5 commit 1000/1',
    ])
    assert.deepEqual(outcomes, ['unknown', 'committed'])
  })
})

test('a commit that is refused as abortable is aborted, and may be tried again', async () => {
  await transactionScene({}, async ({ cluster, txp, run, story }) => {
    cluster.once(EndTxn, () => ({ errorCode: ErrorCodes.TRANSACTION_ABORTABLE }))
    const done = txp.transaction(tx => tx.send('b', { value: 'x' }))
    await assert.rejects(run(done), (error: TransactionError) => !error.fatal && error.retriable)
    assert.deepEqual(story().slice(-2), ['EndTxn v5 commit 1000/0', 'EndTxn v5 abort 1000/0'])
    await run(txp.transaction(tx => tx.send('b', { value: 'y' })))
  })
})

test('while the last transaction is being ended the next one tries again within milliseconds', async () => {
  await transactionScene({ rules: 'old' }, async ({ cluster, txp, run, world, story }) => {
    await run(txp.transaction(tx => tx.send('b', { value: 'x' })))
    for (let i = 0; i < 4; i++)
      cluster.once(AddPartitionsToTxn, () => ({
        resultsByTopicV3AndBelow: [
          {
            name: 'b',
            resultsByPartition: [{ partitionIndex: 0, partitionErrorCode: ErrorCodes.CONCURRENT_TRANSACTIONS }],
          },
        ],
      }))
    const before = world.clock.monotonic()
    await run(txp.transaction(tx => tx.send('b', { value: 'y' })))
    assert(world.clock.monotonic() - before < 50)
    assert.equal(story().filter(line => line.startsWith('AddPartitionsToTxn')).length, 6)
  })
})

test('partitions that may not be written end the transaction before anything is sent to them', async () => {
  await transactionScene({ rules: 'old' }, async ({ cluster, txp, run, story }) => {
    const refusal = { partitionIndex: 0, partitionErrorCode: ErrorCodes.TOPIC_AUTHORIZATION_FAILED }
    cluster.once(AddPartitionsToTxn, () => ({
      resultsByTopicV3AndBelow: [{ name: 'b', resultsByPartition: [refusal] }],
    }))
    const done = txp.transaction(tx => tx.send('b', { value: 'x' }))
    await assert.rejects(run(done), (error: TransactionError) => error.code === 'TOPIC_AUTHORIZATION_FAILED')
    assert.deepEqual(story().slice(1), ['AddPartitionsToTxn v3 b-0 1000/0', 'EndTxn v4 abort 1000/0'])
  })
})

test('offsets are committed in the generation that there is, as long as the partitions stay', async () => {
  await transactionScene({}, async ({ cluster, txp, run, story }) => {
    let generation = 4
    const membership = () => ({ groupId: 'g', memberId: 'm', groupInstanceId: null, generation, isSubscribed: true })
    cluster.once(TxnOffsetCommit, () => {
      generation = 5
      return refusedOffsets(ErrorCodes.ILLEGAL_GENERATION)
    })
    await run(txp.transaction(tx => tx.commitOffsets(offsets, claimOf({ membership }))))
    assert.deepEqual(story().slice(-2), ['TxnOffsetCommit v5 g/m/5 a-1 1000/0', 'EndTxn v5 commit 1000/0'])
  })
})

test('a group that has gone on without the consumer ends the transaction, and trying again would not help', async () => {
  for (const code of [ErrorCodes.ILLEGAL_GENERATION, ErrorCodes.UNKNOWN_MEMBER_ID, ErrorCodes.STALE_MEMBER_EPOCH]) {
    await transactionScene({}, async ({ cluster, txp, run, story }) => {
      cluster.on(TxnOffsetCommit, () => refusedOffsets(code))
      const done = txp.transaction(async tx => {
        tx.commitOffsets(offsets, claimOf())
        await tx.send('b', { value: 'x' })
      })
      await assert.rejects(run(done), (error: TransactionError) => !error.fatal && !error.retriable)
      assert.equal(story().at(-1), 'EndTxn v5 abort 1000/0')
    })
  }
})

test('offsets of partitions that have gone are not even sent', async () => {
  await transactionScene({}, async ({ cluster, txp, run }) => {
    const lost = () => new Error('a-1 was revoked')
    const done = txp.transaction(tx => tx.commitOffsets(offsets, claimOf({ lost })))
    await assert.rejects(run(done), /a-1 was revoked.*go on with the next batch/)
    assert.equal(cluster.count(TxnOffsetCommit), 0)
  })
})

test('a signal aborts the transaction and ends the waiting, even for a function that does not heed it', async () => {
  await transactionScene({}, async ({ cluster, txp, run, story }) => {
    const controller = new AbortController()
    const done = txp.transaction(
      async tx => {
        await tx.send('b', { value: 'x' })
        controller.abort(new Error('enough'))
        await new Promise(() => {})
      },
      { signal: controller.signal },
    )
    await assert.rejects(run(done), /enough/)
    assert.equal(cluster.count(EndTxn), 0, 'the abort is on its way, and the next transaction waits for it')
    await run(txp.transaction(tx => tx.send('b', { value: 'y' })))
    assert.deepEqual(story().slice(2, 3), ['EndTxn v5 abort 1000/0'])
    const early = txp.transaction(() => assert.fail('it never begins'), { signal: controller.signal })
    await assert.rejects(run(early), /enough/)
  })
})

test('closing lets the open transaction be committed; closing at once aborts it', async () => {
  await transactionScene({}, async ({ txp, run, story, cluster }) => {
    const held = Promise.withResolvers<void>()
    const done = txp.transaction(async tx => {
      await held.promise
      await tx.send('b', { value: 'x' })
    })
    await run(cluster.arrived(InitProducerId, 1))
    const closed = txp.close()
    held.resolve()
    await run(Promise.all([done, closed]))
    assert.equal(story().at(-1), 'EndTxn v5 commit 1000/0')
  })
  await transactionScene({}, async ({ txp, run, story, cluster }) => {
    const done = txp.transaction(async tx => {
      await tx.send('b', { value: 'x' })
      await new Promise(() => {})
    })
    const rejected = assert.rejects(done, /at once/)
    await run(cluster.arrived(Produce, 1))
    await run(txp.close({ signal: AbortSignal.abort(new Error('at once')) }))
    await run(rejected)
    await run(cluster.arrived(EndTxn, 1))
    assert.equal(story().at(-1), 'EndTxn v5 abort 1000/0')
  })
})

test('a coordinator that is not to be found for a moment is looked for again', async () => {
  await transactionScene({}, async ({ cluster, txp, run }) => {
    const nowhere = {
      nodeId: -1,
      host: '',
      port: -1,
      errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE,
      errorMessage: null,
    }
    cluster.once(FindCoordinator, () => ({ ...nowhere, coordinators: [{ key: 'x', ...nowhere }] }))
    await run(txp.transaction(tx => tx.send('b', { value: 'x' })))
    assert.deepEqual(cluster.partition('b').values(), ['x'])
  })
})

test('a function that returns before its records have failed is not committed', async () => {
  for (const rules of ['old', 'new'] as const) {
    await transactionScene({ rules }, async ({ cluster, txp, run, story }) => {
      cluster.once(Produce, ({ topicData: [row] }) => {
        const { name, topicId } = row!
        const refusal = { index: 0, errorCode: ErrorCodes.INVALID_RECORD, baseOffset: -1 }
        return { responses: [{ name, topicId, partitionResponses: [refusal] }] }
      })
      const done = txp.transaction(tx => {
        tx.send('b', { value: 'x' })
        tx.send('a', { value: 'x' })
      })
      await assert.rejects(run(done), (error: TransactionError) => error.code === 'INVALID_RECORD')
      assert(story().some(line => line.includes('abort')))
      assert(!story().some(line => line.includes('commit')))
    })
  }
})
