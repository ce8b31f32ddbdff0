/** A transaction that was going on after the one before it, and a start that finds one of that one's partitions offline. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppendBatch, Appended, LogEngine } from '@odradek/log'
import { ErrorCodes, errorByCode } from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import type { Topic } from '../cluster-store/cluster-store.ts'
import { quiet } from '../logger.ts'
import { MarkerWriter } from './marker-writer.ts'
import type { Transaction } from './transaction.ts'
import { TransactionImage } from './transaction-image.ts'
import { noPartitions, withPartitions } from './transaction-partitions.ts'
import type { TransactionRecord } from './transaction-records.ts'
import type { TransactionLog } from './transaction-view.ts'
import { Transactions } from './transactions.ts'

const at = (index: number) => ({ topic: 'orders', index })
const ended: Transaction = {
  ...{ id: 'tx', state: 'PrepareCommit', producerId: 7n, epoch: 4, previousProducerId: -1n, nextProducerId: -1n },
  ...{ lastEpoch: -1, timeoutMs: 60_000, partitions: withPartitions(noPartitions, [at(0)]) },
  ...{ startedAt: 100, updatedAt: 200, clientVersion: 2 },
}
const settings = {
  ...{ maxTimeoutMs: 900_000, timeoutCheckMs: 10_000, idExpirationMs: 6e8, idExpirationCheckMs: 3.6e6 },
  verifiesPartitions: true,
  maxRecordBytes: 1_000_000,
}

/** Partition 0 lacks the marker of the transaction that has ended, and is offline; a batch of the next one stands in partition 1. */
async function started() {
  const { clock } = simulatedWorld({ seed: 1 })
  let isOffline = true
  const offline: Appended = { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
  const fine: Appended = { ok: true, baseOffset: 0, logStartOffset: 0, duplicate: false }
  const append = async (batches: readonly AppendBatch[]) => batches.map(() => (isOffline ? offline : fine))
  const topic = { partitions: [0, 1].map(index => ({ index, id: index })) } as unknown as Topic
  const engine = { append } as unknown as LogEngine
  const log = (applied: (record: TransactionRecord) => void) => {
    const image = new TransactionImage(applied)
    image.transactions.set(ended.id, ended)
    const write = async (_: string, records: readonly TransactionRecord[]) => {
      for (const record of records) image.apply(record)
      return ErrorCodes.NONE
    }
    const stored = { load: async () => undefined, isReadable: () => true, image: () => image, images: () => [image] }
    return { ...stored, write } as unknown as TransactionLog
  }
  const transactions = new Transactions({
    ...{ clock, logger: quiet, settings, coordinatorEpoch: 1, log, freshProducerId: async () => 99n },
    markers: new MarkerWriter({ engine, clock, logger: quiet, cluster: { topic: () => topic }, keepers: [] }),
    survey: async () => ({
      open: [{ ...at(1), producerId: 7n, epoch: 4, startOffset: 9 }],
      offline: ({ index }) => index === 0,
    }),
  })
  await clock.finish(transactions.load())
  return { clock, transactions, comeBack: () => void (isOffline = false) }
}

const nameOf = (error: number) => errorByCode(error).name
const me = { producerId: 7n, epoch: 4 }

test('requests are told to come again within a moment while the end before waits for a partition', async () => {
  const { clock, transactions, comeBack } = await started()
  const began = clock.monotonic()
  const asked = [
    transactions.end('tx', { ...me, outcome: 'commit', clientVersion: 2 }),
    transactions.join('tx', { ...me, partitions: [at(1)], clientVersion: 2 }),
    transactions.initialise({ id: 'tx', timeoutMs: 60_000, expected: undefined }),
  ].map(reply => reply.then(({ error }) => error))
  const errors = await clock.finish(Promise.all([...asked, transactions.quiet('tx')]), { withinMs: 1_000 })
  assert.deepEqual(new Set(errors.map(nameOf)), new Set(['CONCURRENT_TRANSACTIONS']))
  assert(clock.monotonic() - began <= 200)
  comeBack()
  await clock.advance(1_000)
  const reply = await clock.finish(transactions.end('tx', { ...me, outcome: 'commit', clientVersion: 2 }))
  assert.deepEqual([nameOf(reply.error), reply.epoch], ['NONE', 5])
  transactions.close()
})

test('who waits for that when the broker closes is answered, too, and what was decided stays so', async () => {
  const { clock, transactions } = await started()
  const asked = transactions.end('tx', { ...me, outcome: 'commit', clientVersion: 2 })
  transactions.close()
  const { error } = await clock.finish(asked, { withinMs: 1_000 })
  assert.equal(nameOf(error), 'CONCURRENT_TRANSACTIONS')
  await clock.advance(1_000)
  assert.notEqual(transactions.get('tx')?.state, 'Ongoing')
})
