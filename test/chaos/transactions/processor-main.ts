/**
 * Reads, processes and writes in transactions, in a process of its own: `processor-main.ts '{"name":…}'`. Tells what it does, a line of
 * JSON at a time; what it told is written before it goes on, so that it is known of whoever is killed.
 *
 * Of each input two copies are written, to different partitions; a tenth of the transactions change their mind, and
 * some take their time.
 */
import { type ConsumerRecord, type RecordBatch, type TransactionalProducer, TransactionError } from '@odradek/client'
import { BrokerConnection } from '../../../packages/client/src/cluster/connection.ts'
import { throughProxy } from '../load/through-proxy.ts'
import { type Output, outputText } from './exactly-once.ts'
import type { ProcessorOptions, Told } from './processor-process.ts'

const options = JSON.parse(process.argv[2]!) as ProcessorOptions
const { name, rules, proxy, transactionTimeoutMs, group, input, output, partitions } = options
// To this client the cluster has no transactions of after KIP-890.
if (rules === 'v1') BrokerConnection.prototype.featureLevel = () => 0

const copies = 2
const kafka = throughProxy(proxy, { clientId: name, retryTimeoutMs: 120_000, requestTimeoutMs: 5_000 })
const tell = (told: Told) => process.stdout.write(`${JSON.stringify(told)}\n`)
class ChangedMind extends Error {}

function makeProducer(transactionalId: string): TransactionalProducer {
  return kafka.producer({ transactionalId, transactionTimeoutMs, deliveryTimeoutMs: 60_000, lingerMs: 0 })
}

function outputsOf(transaction: string, batch: RecordBatch<ConsumerRecord>): Output[] {
  const inputs = batch.map(({ value }) => Buffer.from(value as Uint8Array).toString())
  const of = copies * inputs.length
  return Array.from({ length: of }, (_, n) => ({
    ...{ transaction, of, n, copy: n % copies },
    input: inputs[Math.floor(n / copies)]!,
  }))
}

async function oneTransaction(
  producer: TransactionalProducer,
  transaction: string,
  batch: RecordBatch<ConsumerRecord>,
): Promise<{ isUseless: boolean; hasBegun: boolean }> {
  const sends = outputsOf(transaction, batch).map((each, i) => ({ value: outputText(each), partition: i % partitions }))
  const isWanted = Math.random() > 0.1
  let hasBegun = false
  tell({ did: 'begin', transaction, sends })
  try {
    const sent = await producer.transaction(async tx => {
      hasBegun = true
      tx.commitOffsets(batch)
      const delivered = await Promise.all(sends.map(record => tx.send(output, record)))
      if (Math.random() < 0.3) await new Promise(resolve => setTimeout(resolve, 200 * Math.random()))
      if (!isWanted) throw new ChangedMind()
      return delivered
    })
    tell({ did: 'commit', transaction, offsets: sent.map(({ offset }) => offset) })
    return { isUseless: false, hasBegun }
  } catch (error) {
    if (error instanceof ChangedMind) tell({ did: 'abort', transaction, why: 'changed its mind' })
    else if (!(error instanceof TransactionError)) throw error
    else if (error.code === 'COMMIT_OUTCOME_UNKNOWN') tell({ did: 'doubt', transaction })
    else tell({ did: 'abort', transaction, why: `${error.code}${hasBegun ? '' : ' before it began'}` })
    return { isUseless: error instanceof TransactionError && error.fatal, hasBegun }
  }
}

let producer = makeProducer(options.transactionalId)
const consumer = kafka.consumer({
  ...{ group, topics: [input], from: 'earliest', commit: 'manual', isolation: 'read_committed' },
  maxPollIntervalMs: 30_000,
  ...(rules === 'v1' && { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500 }),
})
let n = 0
for await (const batch of consumer.batches({ max: 10, maxWaitMs: 20 })) {
  for (let hasBegun = false; !hasBegun; ) {
    const outcome = await oneTransaction(producer, `${name}-${n++}`, batch)
    // Of a transaction that did not begin the consumer knows nothing: it would take the batch for processed.
    hasBegun = outcome.hasBegun
    if (!outcome.isUseless) continue
    await producer.close({ signal: AbortSignal.abort() }).catch(() => {})
    // Somebody else may have the id by now, and is not to be fenced in turn.
    producer = makeProducer(`${name}-${n}`)
  }
}
