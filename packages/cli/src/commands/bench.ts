/** How fast a cluster takes records and gives them back. */
import { createConsumerEngine, topic } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Command, command } from '../command.ts'
import { connect } from '../connect.ts'
import { printRows } from '../output/rows.ts'
import { parseCount } from '../start-broker.ts'

const flags = {
  records: { type: 'string', short: 'n', value: 'N', help: 'how many records (default 500000)' },
  size: { type: 'string', short: 's', value: 'BYTES', help: 'of a value (default 100)' },
  partitions: { type: 'string', short: 'p', value: 'N', help: 'of the topic (default 1)' },
  acks: { type: 'string', value: 'all|1', help: 'what counts as written (default all)' },
  compression: { type: 'string', short: 'z', value: 'CODEC', help: 'none, gzip, snappy, lz4 or zstd' },
} as const

export const bench: Command<typeof flags> = command({
  name: 'bench',
  summary: 'Produces records into a topic of its own, reads them back, prints both rates, deletes the topic.',
  flags,
  examples: ['odradek bench -n 1000000 -s 1000 --acks 1'],
  async run({ flags, signal }) {
    const count = parseCount(flags.records ?? '500000', '-n')
    const size = parseCount(flags.size ?? '100', '-s')
    if (flags.acks !== undefined && flags.acks !== 'all' && flags.acks !== '1')
      throw new UsageError(`--acks ${flags.acks} is none of all, 1.`)
    await using kafka = connect(flags)
    const name = `odradek-bench-${realClock.now()}`
    const { topics } = kafka.admin()
    const partitions = parseCount(flags.partitions ?? '1', '-p')
    await topics.create({ name, partitions }, { signal })
    try {
      await using producer = kafka.producer({
        acks: flags.acks === '1' ? 1 : 'all',
        compression: (flags.compression ?? 'none') as 'none',
      })
      const value = Buffer.alloc(size, 'x')
      const started = realClock.monotonic()
      await producer.sendAll(topic(name), Array(count).fill({ value }) as { value: Uint8Array }[], { signal })
      const produced = realClock.monotonic()
      const engine = createConsumerEngine(kafka.cluster, { from: 'earliest' })
      engine.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })))
      let seen = 0
      while (seen < count && !signal.aborted) {
        for (const { records } of await engine.poll(1_000, { maxRecords: 10_000, signal }))
          for (const record of records) seen += record.value === null ? 0 : 1
      }
      const consumed = realClock.monotonic()
      await engine.close()
      printRows(
        [rate('produce', count, size, produced - started), rate('consume', seen, size, consumed - produced)],
        flags.output,
      )
    } finally {
      await topics.delete(name)
    }
    return 0
  },
})

const rate = (what: string, records: number, size: number, ms: number) => ({
  what,
  records,
  seconds: Number((ms / 1_000).toFixed(3)),
  'records/s': Math.round((records / ms) * 1_000),
  'MB/s': Number(((records * size) / ms / 1_000).toFixed(1)),
})
