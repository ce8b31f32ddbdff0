/** Appending: offsets, order, refusals. */
import assert from 'node:assert/strict'
import { decodeRecords, eachBatch, hasValidCrc } from '@odradek/protocol'
import { batchOf, topicOf, valuesOf } from '../testing/batches.ts'
import { type ContractTests, errorOf, offsets } from './bench.ts'

export const appending: ContractTests = {
  'batches get the next offsets of their partition, in the order given': async bench => {
    await bench.open()
    const batches = [
      batchOf({ values: ['a', 'b'] }),
      batchOf({ partition: 2, values: ['x'] }),
      batchOf({ values: ['c'] }),
    ]
    assert.deepEqual(offsets(await bench.append(batches)), [0, 0, 2])
    assert.deepEqual(offsets(await bench.append([batchOf()])), [3])
    assert.deepEqual(valuesOf(await bench.read(0)), ['a', 'b', 'c', 'a'])
    assert.deepEqual(valuesOf(await bench.read(0, { partition: 2 })), ['x'])
  },

  'appends that are not waited for keep their order': async bench => {
    await bench.open()
    const appends = Array.from({ length: 20 }, (_, i) =>
      bench.engine.append([batchOf({ values: [`${i}`] })], { acks: 1, deadline: Number.POSITIVE_INFINITY }),
    )
    const answers = (await bench.settle(Promise.all(appends))).flat()
    assert.deepEqual(
      offsets(answers),
      answers.map((_, i) => i),
    )
  },

  'a batch is stored as it was sent, with base offset and leader epoch filled in': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b'] }), batchOf({ values: ['c'] })])
    const result = await bench.read(0)
    assert(result.ok)
    const found = result.chunks.flatMap(chunk =>
      [...eachBatch(chunk)].map(batch => [batch.baseOffset, batch.partitionLeaderEpoch, hasValidCrc(chunk, batch.at)]),
    )
    assert.deepEqual(found, [
      [0, 0, true],
      [2, 0, true],
    ])
  },

  'an unknown partition is refused without harm to the others': async bench => {
    await bench.open()
    const answers = await bench.append([batchOf({ partition: 99 }), batchOf()])
    assert.deepEqual(offsets(answers), ['UNKNOWN_TOPIC_OR_PARTITION', 0])
  },

  'what is acknowledged to acks=-1 can be read at once': async bench => {
    await bench.open()
    await bench.append([batchOf({ values: ['a', 'b', 'c'] })], -1)
    const [state] = await bench.settle(bench.engine.state([1]))
    assert.equal(state!.highWatermark, 3)
  },

  'batches that are too large are refused': async bench => {
    await bench.open(topicOf({ maxMessageBytes: 300, segmentBytes: 1000 }))
    const [large] = await bench.append([batchOf({ values: ['x'.repeat(300)] })])
    assert.equal(errorOf(large), 'MESSAGE_TOO_LARGE')
    bench.engine.configure([1], { ...topicOf().config, segmentBytes: 200 })
    const [larger] = await bench.append([batchOf({ values: ['x'.repeat(300)] })])
    assert.equal(errorOf(larger), 'RECORD_LIST_TOO_LARGE')
    assert.deepEqual(offsets(await bench.append([batchOf()])), [0])
  },

  'with LogAppendTime every record has the time of its append, and the answer says so': async bench => {
    await bench.open(topicOf({ messageTimestampType: 'LogAppendTime' }))
    const [answer] = await bench.append([batchOf({ values: ['a', 'b'], timestamp: 7 })])
    assert(answer?.ok && answer.appendTime !== undefined && answer.appendTime > 1_000_000)
    const result = await bench.read(0)
    assert(result.ok && hasValidCrc(result.chunks[0]!, 0))
    for (const record of decodeRecords(result.chunks[0]!, 0)) assert.equal(record.timestamp, answer.appendTime)
  },
}
