/** A disk without room, in simulated time: what is there can be read, what comes waits, and all goes on when there is room again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedBroker } from './simulated-broker.ts'

const topic = 'orders'

test('a full disk refuses records, lets records be read, and takes the refused ones when there is room', async () => {
  using broker = new SimulatedBroker(1)
  const { clock } = broker.world
  const { disk } = broker.machine
  await broker.start()
  const producer = broker.kafka.producer()
  const send = (i: number) => producer.send(topic, { value: `${i} `.padEnd(1_000, 'x') })
  for (let i = 0; i < 10; i++) await clock.finish(send(i))

  disk.setCapacity(disk.usedBytes + 2_500)
  const offsets: number[] = []
  const waiting = Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const { offset } = await send(10 + i)
      offsets.push(offset)
    }),
  )
  await clock.advance(3_000)
  assert.ok(offsets.length < 10, 'ten records of 1 kB do not fit into 2.5 kB')
  assert.deepEqual(await clock.finish(read(broker, 10)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

  disk.setCapacity(Number.POSITIVE_INFINITY)
  await clock.finish(waiting)
  const all = Array.from({ length: 20 }, (_, i) => i)
  assert.deepEqual(await clock.finish(read(broker, 20)), all)

  await broker.crash('lost')
  await broker.start()
  assert.deepEqual(await clock.finish(read(broker, 20)), all, 'they are still there after a power cut')
})

/** The first records, by the number each begins with. */
async function read(broker: SimulatedBroker, count: number): Promise<number[]> {
  const read: number[] = []
  for await (const { value } of broker.kafka.read(topic, { from: 'earliest' })) {
    read.push(Number.parseInt(Buffer.from(value!).toString(), 10))
    if (read.length === count) break
  }
  return read
}
