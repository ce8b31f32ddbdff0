/**
 * Several members of one group in a process of their own: `member-main.ts '{"name":…}'`. Members come and go as its input says
 * (`{"join":3}`, `{"leave":3}`); what each owns and has processed it tells, a line of JSON at a time.
 */
import { createInterface } from 'node:readline'
import {
  type Consumer,
  type ConsumerOptions,
  cooperativeSticky,
  Kafka,
  range,
  type TopicPartition,
} from '@odradek/client'
import type { MemberKind, MemberOptions, MemberOrder, MemberTold } from './member-process.ts'

const { name, bootstrap, group, topic, kinds } = JSON.parse(process.argv[2]!) as MemberOptions
const rebalanceTimeoutMs = 10_000
const tell = (told: MemberTold) => process.stdout.write(`${JSON.stringify(told)}\n`)
const now = () => Number(process.hrtime.bigint() / 1000n) / 1000
const members = new Map<number, Consumer>()
let count = 0

function optionsOf(kind: MemberKind, slot: number): Partial<ConsumerOptions> {
  const instance = { groupInstanceId: `slot-${slot}` }
  const classic = { groupProtocol: 'classic', sessionTimeoutMs: 6_000, heartbeatIntervalMs: 1_000 } as const
  switch (kind) {
    case 'range':
      return { ...classic, assignors: [range] }
    case 'cooperative':
      return { ...classic, assignors: [cooperativeSticky()] }
    case 'static':
      return { ...classic, ...instance, assignors: [cooperativeSticky()] }
    case 'consumer':
      return { groupProtocol: 'consumer' }
    case 'consumer-static':
      return { groupProtocol: 'consumer', ...instance }
  }
}

async function join(slot: number): Promise<void> {
  const kafka = new Kafka({ brokers: bootstrap, clientId: `${slot}`, retryTimeoutMs: 120_000 })
  const member = `${slot}.${name}.${count++}`
  const own = optionsOf(kinds[slot % kinds.length]!, slot)
  const instance = own.groupInstanceId === undefined ? {} : { instance: own.groupInstanceId }
  let noted = ''
  const note = () => {
    const { generation } = consumer.engine.membership()
    const partitions = consumer.assignment().map(numberOf)
    const claim = `${generation}: ${partitions}`
    if (claim !== noted) tell({ kind: 'owns', at: now(), member, ...instance, generation, partitions })
    noted = claim
  }
  const gone = (kind: 'released' | 'lost') => (partitions: readonly TopicPartition[]) => {
    noted = ''
    tell({ kind, at: now(), member, partitions: partitions.map(numberOf) })
  }
  const consumer: Consumer = kafka.consumer({
    ...{ group, topics: [topic], from: 'earliest', commit: 'manual', maxPollIntervalMs: rebalanceTimeoutMs },
    ...own,
    ...{ onAssigned: note, onRevoked: gone('released'), onLost: gone('lost') },
  })
  members.set(slot, consumer)
  tell({ kind: 'joins', member })
  try {
    for await (const batch of consumer.batches({ max: 200, maxWaitMs: 50 })) {
      // What is doomed is not claimed: the member may be another one by now, and hears with its next poll what it has lost.
      if (batch.records.every(({ signal }) => !signal.aborted)) note()
      for (const [partition, records] of Map.groupBy(batch, record => record.partition))
        tell({ kind: 'processed', partition, from: records[0]!.offset, to: records.at(-1)!.offset + 1 })
      await batch.commit().catch(() => {}) // whoever owns them now processes them again
    }
  } catch (error) {
    tell({ kind: 'failed', member, why: String(error) })
  }
  await kafka.close()
  tell({ kind: 'ended', at: now(), member })
}

const numberOf = ({ partition }: TopicPartition) => partition

createInterface(process.stdin).on('line', line => {
  const order = JSON.parse(line) as MemberOrder
  if ('join' in order) void join(order.join)
  else void members.get(order.leave)?.close()
})
