import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const folder = new URL('../', import.meta.url)
const guide = new URL('../../../docs/streams/README.md', import.meta.url)

/** The programs of the guide as one: what the first builds runs on a broker, and is asked while it does. */
function programOf(text: string): string {
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block]) => block!)
  assert.equal(blocks.length, 4)
  const [first, testing, failing, asking] = blocks.map(block => block.replace("'localhost:9092'", 'broker.bootstrap'))
  const [building, running] = first!.split(/(?=^await using streams)/m)
  return `
    import assert from 'node:assert/strict'
    import { Broker } from '@odradek/broker'
    import { Kafka } from '@odradek/client'
    import { logAndContinue, logAndFail, TopologyTestDriver, tumbling } from '@odradek/streams'
    await using broker = await Broker.start({ data: { memory: true } })
    await using kafka = new Kafka({ brokers: broker.bootstrap })
    await kafka.admin().topics.create(['plays', 'others', 'charts'].map(name => ({ name, partitions: 1 })))
    ${building}
    builder
      .stream('others', { key: serde.string, value: serde.json<Play>() })
      .groupByKey()
      .windowedBy(tumbling({ size: 60_000, grace: 0 }))
      .count({ store: 'plays-a-minute' })
    { ${testing} }
    ${running!.replace('await streams.run()', 'await streams.start()')}
    await streams.running()
    { ${asking} }
    { const topology = builder.build(); ${failing}; assert.equal(streams.state, 'CREATED') }
    console.log('done')`
}

test('the programs in docs/streams/README.md run', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'odradek-guide-'))
  try {
    const args = ['--input-type=module-typescript', '--eval', programOf(readFileSync(guide, 'utf8'))]
    const env = { ...process.env, TMPDIR: temporary } // where state is kept that no folder is named for
    const run = promisify(execFile)(process.execPath, args, { cwd: folder, env, timeout: 60_000 })
    assert.equal((await run).stdout, 'done\n')
  } finally {
    rmSync(temporary, { recursive: true })
  }
})
