/** `odradek tx` against a broker in this process. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { Kafka } from '@odradek/client'
import { encodeBatch, encodeRequest, Produce } from '@odradek/protocol'
import { parseCall } from './command.ts'
import { abort, describe, ls } from './commands/tx.ts'

/** What a command prints, run here. */
async function printed(definition: typeof ls | typeof describe | typeof abort, argv: string[]): Promise<unknown[]> {
  const lines: string[] = []
  const write = process.stdout.write
  process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof write
  try {
    const call = parseCall(definition as never, [...argv, '-o', 'json'], new AbortController().signal)
    assert.equal(await definition.run(call as never), 0)
  } finally {
    process.stdout.write = write
  }
  return lines.length === 0 ? [] : JSON.parse(lines.join(''))
}

test('transactional ids are listed, described and fenced; what hangs is found and aborted', async () => {
  await using broker = await Broker.start({ config: { 'transaction.partition.verification.enable': 'false' } })
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  const at = ['-b', broker.bootstrap]
  await kafka.admin().topics.create({ name: 'orders', partitions: 1 })
  await kafka.admin().transactions.fence('billing')
  const [row] = (await printed(ls, at)) as { transaction: string; state: string }[]
  assert.deepEqual([row!.transaction, row!.state], ['billing', 'Empty'])
  assert.deepEqual(await printed(ls, [...at, '--state', 'Ongoing']), [])
  const [before] = (await printed(describe, [...at, 'billing'])) as { epoch: number; partitions: string[] }[]
  assert.equal(before!.epoch, 0)
  await printed(abort, [...at, 'billing'])
  const [after] = (await printed(describe, [...at, 'billing'])) as { epoch: number }[]
  assert.equal(after!.epoch, 1)
  await assert.rejects(printed(abort, [...at, 'nobody']), { code: 'TRANSACTIONAL_ID_NOT_FOUND' })
  assert.deepEqual(await printed(abort, [...at, '--hanging', '--older-than', '1ms']), [])
  await leaveHanging(broker.bootstrap, 'orders')
  const hanging = [...at, '--hanging', '--older-than', '1ms']
  const where = (rows: unknown[]) => (rows as { topic: string; producer: string }[]).map(r => [r.topic, r.producer])
  assert.deepEqual(where(await printed(abort, [...hanging, '--dry-run'])), [['orders', '77']])
  assert.deepEqual(where(await printed(abort, hanging)), [['orders', '77']])
  assert.deepEqual(await printed(abort, hanging), [])
})

/** A record in a transaction that no coordinator knows of; the broker takes it since it was told to verify nothing. */
async function leaveHanging(bootstrap: string, name: string): Promise<void> {
  const fields = { producerId: 77n, producerEpoch: 0, baseSequence: 0, transactional: true }
  const records = encodeBatch([{ value: 'x', timestamp: Date.now() - 1000 }], fields)
  const topicData = [{ name, partitionData: [{ index: 0, records }] }]
  const request = { transactionalId: 'x', acks: -1, timeoutMs: 1000, topicData }
  const [host, port] = bootstrap.split(':')
  const socket = connect(Number(port), host!)
  for (const chunk of encodeRequest(Produce, 9, { correlationId: 1, clientId: null }, request)) socket.write(chunk)
  await once(socket, 'data')
  socket.destroy()
}
