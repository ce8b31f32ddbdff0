/** What an application sees of damaged records, through the consumer it reads with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { append, play } from '../testing/engine-scene.ts'
import { DamagedRecordsError } from './damaged-records.ts'

test('an iteration ends with what cannot be read, and the next one goes on behind it after a seek', async () => {
  await play({}, async ({ cluster, answers, kafka, run }) => {
    for (const value of ['a', 'lost', 'lost', 'd']) append(cluster, value)
    answers.isDamaged = (_, offset) => offset === 1 || offset === 2
    const consumer = kafka.consumer({ partitions: [{ topic: 't', partition: 0 }], from: 'earliest' })
    const seen: string[] = []
    const lost: number[] = []
    const read = async () => {
      for await (const { offset, value } of consumer) {
        seen.push(`${offset}=${Buffer.from(value as Uint8Array)}`)
        if (offset === 3) return true
      }
      return true
    }
    const readOn = () =>
      read().catch(error => {
        if (!(error instanceof DamagedRecordsError)) throw error
        lost.push(error.offset)
        consumer.seek(error.topic, error.partition, error.resumeAt)
        return false
      })
    while (!(await run(readOn())));
    assert.deepEqual([seen, lost], [['0=a', '3=d'], [1]])
    await run(consumer.close())
  })
})

for (const length of [1, 2, 3, 64, 9_414]) {
  test(`the end of ${length} damaged records is found without asking for each, and what was read before them is handed out`, async () => {
    await play({}, async ({ cluster, answers, world, engine, take }) => {
      append(cluster, 'a')
      for (let i = 0; i < length; i++) append(cluster, 'lost')
      append(cluster, 'z')
      let refusals = 0
      answers.isDamaged = (_, offset) => {
        const isLost = offset >= 1 && offset <= length
        if (isLost) refusals++
        return isLost
      }
      const e = engine()
      e.assign([{ topic: 't', partition: 0 }])
      await world.clock.advance(5_000)
      assert.deepEqual(await take(e, 1), ['0=a'])
      await assert.rejects(take(e, 1), { offset: 1, resumeAt: length + 1 })
      e.seek({ topic: 't', partition: 0 }, length + 1)
      assert.deepEqual(await take(e, 1), [`${length + 1}=z`])
      assert.ok(refusals < 150, `asked ${refusals} times`)
    })
  })
}
