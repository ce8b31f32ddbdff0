import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '@odradek/world'
import type { ConsumerEngine, OffsetToCommit } from './engine.ts'
import { Intake, type Piece } from './intake.ts'
import { PartitionRevokedError } from './partition-revoked.ts'
import { collectBatch, RecordBatch } from './record-batch.ts'
import { keyOf } from './topic-partition.ts'

test('a batch whose records were taken away with their partition waits for others, without asking on and on', async () => {
  const waits: number[] = []
  let now = 0
  const pending: Piece[] = []
  const intake = {
    pending,
    wantsPoll: false,
    get length() {
      return pending.length
    },
    async fill(maxMs: number) {
      waits.push(maxMs)
      now += 100
      if (waits.length === 1) pending.push({ records: [{}], at: 0 } as unknown as Piece)
      if (waits.length === 2) pending.length = 0
    },
  } as unknown as Intake
  const pieces = await collectBatch(
    intake,
    { maxWaitMs: 100 },
    () => now,
    () => waits.length === 4,
  )
  assert.deepEqual(pieces, [])
  assert.deepEqual(waits.slice(2), [10_000, 10_000])
})

const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

/** A batch of records 0 to 2 of two partitions, and the offsets that were committed. */
async function batchOfTwo(group: string | undefined) {
  const committed: string[] = []
  const polled = [t0, t1].map(at => ({
    ...{ ...at, leaderEpoch: 0, nextOffset: 3 },
    records: [0, 1, 2].map(offset => ({ offset })),
  }))
  const engine = {
    wantsPoll: false,
    poll: async () => polled,
    commit: async (offsets: readonly OffsetToCommit[]) => {
      for (const at of offsets) committed.push(`${keyOf(at)}@${at.offset}`)
    },
    assignment: () => [t0, t1],
  } as unknown as ConsumerEngine
  const options = { clock: realClock, contracts: new Map(), commitEveryMs: undefined, revokeCommitMs: 1, hooks: {} }
  const intake = new Intake({ ...options, group })
  intake.attach(engine)
  await intake.fill(0, 6)
  const batch = new RecordBatch(intake.pending.splice(0), intake)
  return { batch, intake, committed, engine }
}

test('a batch is committed, each partition of it once', async () => {
  const { batch, committed } = await batchOfTwo('g')
  await batch.commit()
  assert.deepEqual(committed, ['t-0@3', 't-1@3'])
})

test('a batch of which a partition was revoked says so when it is committed, and commits what is left', async () => {
  const { batch, intake, committed } = await batchOfTwo('g')
  await intake.hooks.onRevoked!([t1])
  await assert.rejects(batch.commit(), (error: unknown) => {
    assert(error instanceof PartitionRevokedError)
    assert.deepEqual([error.code, error.retriable, error.partitions], ['PARTITION_REVOKED', false, [t1]])
    assert.match(error.message, /t-1 was revoked.*delivered again, to the new owner/)
    return true
  })
  assert.deepEqual(committed, ['t-0@3'])
})

test('it says so too when the partitions were lost, or are back: they may have been with another meanwhile', async () => {
  const { batch, intake } = await batchOfTwo('g')
  await intake.hooks.onLost!([t0, t1])
  await intake.hooks.onAssigned!([t0, t1])
  await assert.rejects(batch.commit(), { code: 'PARTITION_REVOKED', partitions: [t0, t1] })
})

test('a batch that was committed before its partition went can be committed again', async () => {
  const { batch, intake, committed } = await batchOfTwo('g')
  await batch.commit()
  await intake.hooks.onRevoked!([t0, t1])
  await batch.commit()
  assert.equal(committed.length, 2)
})

test('without a group there is nothing to commit, whoever has the partitions', async () => {
  const { batch, intake, committed } = await batchOfTwo(undefined)
  intake.closed()
  await batch.commit()
  assert.deepEqual(committed, [])
})

test('a batch given to a transaction is handed out again when that was aborted, and asked about when nobody knows', async () => {
  for (const [outcome, groupHas, isRepeated] of [
    ['committed', 3, false],
    ['aborted', 0, true],
    ['unknown', 3, false],
    ['unknown', 0, true],
    ['unknown', null, true],
  ] as const) {
    const { batch, intake, committed, engine } = await batchOfTwo('g')
    engine.committed = async partitions =>
      partitions.map(at => (groupHas === null ? null : { ...at, offset: groupHas, leaderEpoch: 0, metadata: null }))
    const claim = batch.claim()
    assert.deepEqual(
      claim.offsets.map(at => `${keyOf(at)}@${at.offset}`),
      ['t-0@3', 't-1@3'],
    )
    claim.begin()
    claim.end(outcome)
    assert.equal(await batch.isToBeRepeated(), isRepeated, `${outcome} ${groupHas}`)
    batch.processed()
    assert.equal(await batch.isToBeRepeated(), false, 'somebody has said that it is done')
    await intake.commitProcessed()
    assert.deepEqual(committed, outcome === 'aborted' ? ['t-0@3', 't-1@3'] : [])
  }
})

test('a batch without a group has no offsets for a transaction', async () => {
  const { batch } = await batchOfTwo(undefined)
  assert.throws(() => batch.claim(), /no `group`/)
})
