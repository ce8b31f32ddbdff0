import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import { type Processor, StreamsBuilder, TopologyTestDriver } from '../index.ts'

const text = { key: serde.string, value: serde.string }
const soon = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** What processors forward goes through a step that waits, the longer the earlier in the alphabet. */
function waitingBelow(supplier: () => Processor<string, string, string, string>) {
  const builder = new StreamsBuilder()
  const done: string[] = []
  builder
    .stream('in', text)
    .process(supplier, text)
    .foreach(async value => {
      if (value.startsWith('bad')) throw new Error('it is bad')
      await soon(value.startsWith('a') ? 10 : 1)
      done.push(value)
    })
  const driver = new TopologyTestDriver(builder.build())
  return { driver, done, input: driver.input('in', serde.string, serde.string) }
}

const forwardingTwice = (): Processor<string, string, string, string> => {
  let forward: (value: string) => unknown
  return {
    init(context) {
      forward = value => context.forward({ key: 'k', value, timestamp: 0, headers: [] })
      context.schedule({ every: 10, by: 'wall-clock' }, () => {
        forward('a-tick')
        forward('b-tick')
      })
    },
    process({ value }) {
      forward(`a${value}`)
      forward(`b${value}`)
    },
  }
}

test('what is forwarded without being awaited stays in order, and the record is done when all of it is', async () => {
  const { done, input, driver } = waitingBelow(forwardingTwice)
  await input.pipe('k', '1')
  assert.deepEqual(done, ['a1', 'b1'])
  await input.pipe('k', '2')
  await driver.advanceWallClock(10)
  assert.deepEqual(done, ['a1', 'b1', 'a2', 'b2', 'a-tick', 'b-tick'])
})

test('what fails below a forward that nobody awaits fails the record, and the next one is taken', async () => {
  const { done, input } = waitingBelow(() => {
    let forward: (value: string) => unknown
    return {
      init(context) {
        forward = value => context.forward({ key: 'k', value, timestamp: 0, headers: [] })
      },
      process({ value }) {
        forward(value)
        forward(`after ${value}`)
        if (value === 'b-thrown') throw new Error('thrown')
      },
    }
  })
  await assert.rejects(input.pipe('k', 'bad'), /it is bad/)
  await assert.rejects(input.pipe('k', 'b-thrown'), /thrown/)
  await input.pipe('k', 'b')
  assert.deepEqual(done, ['b-thrown', 'after b-thrown', 'b', 'after b'])
})

test('a record is forwarded with a time, or refused', async () => {
  for (const timestamp of [-1, Number.NaN, 1.5]) {
    const { input } = waitingBelow(() => {
      let forward: (value: string) => unknown
      return {
        init(context) {
          forward = value => context.forward({ key: 'k', value, timestamp, headers: [] })
        },
        process: ({ value }) => void forward(value),
      }
    })
    await assert.rejects(input.pipe('k', '1'), /KSTREAM-PROCESSOR-0000000001.*timestamp/)
  }
})

test('tasks do not share a processor; one that was closed may be given again', () => {
  const builder = new StreamsBuilder()
  const shared = { process() {} }
  builder.stream('in', text).process(() => shared, { name: 'mine' })
  const topology = builder.build()
  const driver = new TopologyTestDriver(topology)
  assert.throws(
    () => new TopologyTestDriver(topology),
    (error: UsageError) => error instanceof UsageError && error.message.includes("'mine'"),
  )
  driver.close()
  new TopologyTestDriver(topology).close()
})

test('processors that keep the key are held to the same', async () => {
  const builder = new StreamsBuilder()
  const done: string[] = []
  builder
    .stream('in', text)
    .processValues(
      () => {
        let forward: (record: { value: string }) => unknown
        return {
          init(context) {
            forward = record => context.forward(record)
          },
          process({ value }) {
            forward({ value: `a${value}` })
            forward({ value: `b${value}` })
          },
        }
      },
      { value: serde.string },
    )
    .foreach(async (value, key) => {
      await soon(value.startsWith('a') ? 10 : 1)
      done.push(`${key}=${value}`)
    })
  const input = new TopologyTestDriver(builder.build()).input('in', serde.string, serde.string)
  await input.pipe('x', '1')
  await input.pipe('y', '2')
  assert.deepEqual(done, ['x=a1', 'x=b1', 'y=a2', 'y=b2'])
})
