import { serde } from '@odradek/client'
import { type KTable, StreamsBuilder, TopologyTestDriver, type Windowed } from '../index.ts'

export const texts = { key: serde.string, value: serde.string }

export type Piped = readonly [key: string | null, value: string | null, timestamp: number]

/** What a table that is made of records of topic `in` tells after each of them: `key value @timestamp`. */
export async function answers(build: (builder: StreamsBuilder) => KTable<any, any>, records: readonly Piped[]) {
  const builder = new StreamsBuilder()
  build(builder)
    .toStream()
    .map((value, key) => [shown(key), String(value)] as const, texts)
    .to('out')
  const driver = new TopologyTestDriver(builder.build())
  const input = driver.input('in', serde.string, serde.string)
  const output = driver.output('out', serde.string, serde.string)
  const told: string[][] = []
  for (const record of records) {
    await input.pipe(...record)
    told.push(output.read().map(({ key, value, timestamp }) => `${key} ${value} @${timestamp}`))
  }
  return { told, driver }
}

const shown = (key: string | Windowed<string>): string =>
  typeof key === 'string' ? key : `${key.key}[${key.start},${key.end}]`
