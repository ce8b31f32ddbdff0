import assert from 'node:assert/strict'
import type { EngineOptions } from '../consumer/engine.ts'
import { type ConsumerEngine, createConsumerEngine, type Kafka } from '../index.ts'

/** A member of a group that is polled all the time and commits what it gets, and what it saw. */
export interface PolledMember {
  readonly engine: ConsumerEngine
  /** What its hooks were told: '+ 0,1' assigned, '- 0' revoked, 'lost 0'. */
  readonly told: string[]
  readonly values: string[]
  /** Resolves when it has left. */
  stop(): Promise<void>
  /** Rejects when polling fails. */
  readonly failed: Promise<never>
}

export function polledMember(
  kafka: Kafka,
  topics: string[] | RegExp,
  { hooks, ...rest }: EngineOptions & { group: string },
): PolledMember {
  const told: string[] = []
  const values: string[] = []
  const say = (what: string) => (partitions: readonly { partition: number }[]) => {
    const numbers = partitions.map(at => at.partition).sort()
    told.push(`${what} ${numbers.join(',')}`)
  }
  const engine = createConsumerEngine(kafka.cluster, {
    from: 'earliest',
    hooks: { onAssigned: say('+'), onRevoked: say('-'), onLost: say('lost'), ...hooks },
    ...rest,
  })
  engine.subscribe(topics)
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // looked at by `membersShow`
  let isOver = false
  const loop = (async () => {
    while (!isOver) {
      for (const { topic, partition, nextOffset, records } of await engine.poll(50)) {
        for (const { value } of records) values.push(Buffer.from(value!).toString())
        await engine.commit([{ topic, partition, offset: nextOffset }])
      }
    }
  })().catch(error => failed.reject(error))
  const stop = async () => {
    isOver = true
    await loop
    await engine.close()
  }
  return { engine, told, values, stop, failed: failed.promise }
}

/** Waits until something is so; rejects when a member fails meanwhile, or after 25 s. */
export async function membersShow(isSo: () => boolean, members: readonly PolledMember[]): Promise<void> {
  const deadline = performance.now() + 25_000
  while (!isSo()) {
    await Promise.race([new Promise(resolve => setTimeout(resolve, 5)), ...members.map(m => m.failed)])
    assert(performance.now() < deadline, members.map(m => m.told.join(' ')).join(' | '))
  }
}

/** Writes '0', '1', … as keys and values. */
export async function fillTopic(kafka: Kafka, name: string, records: number): Promise<void> {
  await using producer = kafka.producer()
  const all = Array.from({ length: records }, (_, i) => ({ key: `${i}`, value: `${i}` }))
  await producer.sendAll(name, all)
}
