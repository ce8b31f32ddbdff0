import type { AppendBatch } from '@odradek/log'
import { BatchBuilder, DecodeError, decodeRecords, eachBatch, errorByCode, type LazyRecord } from '@odradek/protocol'
import type { Topic, TopicPartition } from '../cluster-store/cluster-store.ts'
import { groupSetting } from '../config/group-config.ts'
import type { BrokerParts } from '../handler.ts'
import { isInternalTopic } from '../topic-name.ts'
import { deadLetter } from './dead-letter.ts'
import type { OffsetRange, RecordRun } from './record-run.ts'
import type { SharePartition } from './share-partition.ts'

/** Records that get their letters in one write. */
const mostAtOnce = 500
const batchBytes = 512 * 1024
const retryMs = 1000

/**
 * Writes the dead letters of records that are given up, then lets the records go: a letter is durable before its record is archived. A
 * broker that stops in between writes some of them again, so there may be two of one record, but never none.
 *
 * A topic that is missing or not meant for letters must not stop the group: its records are archived without one, and the log says so.
 * A disk that takes none is tried again.
 */
export class DeadLetters {
  readonly #around: BrokerParts
  readonly #busy = new Set<SharePartition>()

  constructor(around: BrokerParts) {
    this.#around = around
  }

  bury(partition: SharePartition): void {
    if (this.#busy.has(partition)) return
    this.#busy.add(partition)
    void this.#buryAll(partition)
  }

  async #buryAll(partition: SharePartition): Promise<void> {
    try {
      for (let run = partition.dead()[0]; run && !partition.isClosed; run = partition.dead()[0]) {
        const range = { first: run.first, last: Math.min(run.last, run.first + mostAtOnce - 1) }
        await this.#write(partition, run, range)
        partition.buried(range)
      }
      this.#busy.delete(partition)
    } catch (error) {
      this.#around.logger.error({ ...partition.name, error }, 'dead letters cannot be written; it is tried again')
      this.#around.clock.timer(retryMs, () => void this.#buryAll(partition))
    }
  }

  /** Rejects when it may go better later. */
  async #write({ name, partition }: SharePartition, { deliveries }: RecordRun, range: OffsetRange): Promise<void> {
    const { cluster, engine, clock, config, topics } = this.#around
    const source = cluster.topicById(name.topicId)
    const topic = await this.#topicFor(name.groupId)
    if (!source || !topic) return
    const overrides = cluster.groupConfig(name.groupId)
    const isCopied = groupSetting('errors.deadletterqueue.copy.record.enable', overrides, config)
    const originals = isCopied ? await this.#originals(partition, range) : new Map<number, LazyRecord>()
    const limit = groupSetting('share.delivery.count.limit', overrides, config)
    const { groupId, index } = name
    const about = { groupId, topicName: source.name, partition: index, deliveries, isWornOut: deliveries >= limit }
    const letters = new LetterBatches(Math.min(batchBytes, topics.configOf(topic)['max.message.bytes']), clock.now())
    for (let offset = range.first; offset <= range.last; offset++)
      letters.add({ ...about, offset }, originals.get(offset))
    const place = topic.partitions[index % topic.partitions.length]!
    const appended = await engine.append(letters.batches(place), { acks: -1, deadline: Infinity })
    for (const each of appended) if (!each.ok) throw new Error(errorByCode(each.error).name)
  }

  /** Undefined, and said in the log, when there is none that may be used. */
  async #topicFor(groupId: string): Promise<Topic | undefined> {
    const { cluster, config, topics, logger } = this.#around
    const name = groupSetting('errors.deadletterqueue.topic.name', cluster.groupConfig(groupId), config)
    const refuse = (reason: string): undefined => {
      logger.error({ group: groupId, topic: name }, `records are given up without a dead letter: ${reason}`)
    }
    if (name === '') return undefined
    const prefix = config.get('errors.deadletterqueue.topic.name.prefix')
    if (!name.startsWith(prefix) || isInternalTopic(name))
      return refuse(`the topic's name must begin with errors.deadletterqueue.topic.name.prefix ('${prefix}')`)
    const found = cluster.topic(name)
    if (found && !topics.configOf(found)['errors.deadletterqueue.group.enable'])
      return refuse('the topic must have errors.deadletterqueue.group.enable=true')
    if (found) return found
    if (!config.get('errors.deadletterqueue.auto.create.topics.enable'))
      return refuse('there is no such topic, and errors.deadletterqueue.auto.create.topics.enable is false')
    return topics.ensure({ name, partitions: -1, config: { 'errors.deadletterqueue.group.enable': 'true' } })
  }

  /** The records themselves, as far as they are still there. */
  async #originals(partition: number, { first, last }: OffsetRange): Promise<Map<number, LazyRecord>> {
    const found = new Map<number, LazyRecord>()
    for (let offset = first; offset <= last; ) {
      const read = { partition, offset, maxBytes: batchBytes, isolation: 'uncommitted' } as const
      const [result] = await this.#around.engine.read([read], { maxBytes: batchBytes, minOne: true })
      if (!result!.ok || result!.chunks.length === 0) break
      for (const chunk of result!.chunks) {
        for (const batch of eachBatch(chunk)) {
          offset = batch.lastOffset + 1
          if (batch.isControl || batch.baseOffset > last) continue
          for (const record of recordsOf(chunk, batch.at))
            if (record.offset >= first && record.offset <= last) found.set(record.offset, record)
        }
      }
    }
    return found
  }
}

/** A batch that cannot be decoded is one whose letters have no content. */
function recordsOf(chunk: Uint8Array, at: number): LazyRecord[] {
  try {
    return [...decodeRecords(chunk, at)]
  } catch (error) {
    if (error instanceof DecodeError) return []
    throw error
  }
}

/** Letters in batches that the topic takes. */
class LetterBatches {
  readonly #most: number
  readonly #now: number
  readonly #builders: BatchBuilder[] = []

  constructor(most: number, now: number) {
    this.#most = most
    this.#now = now
  }

  add(about: Parameters<typeof deadLetter>[0], original: LazyRecord | undefined): void {
    const alone = new BatchBuilder(256)
    alone.append(deadLetter(about, original), this.#now)
    // One that is too large for its topic comes without what makes it so.
    const letter = deadLetter(about, alone.sizeInBytes > this.#most ? undefined : original)
    let builder = this.#builders.at(-1)
    if (!builder || builder.sizeInBytes + alone.sizeInBytes > this.#most)
      this.#builders.push((builder = new BatchBuilder()))
    builder.append(letter, this.#now)
  }

  batches({ id }: TopicPartition): AppendBatch[] {
    return this.#builders.map(builder => ({
      partition: id,
      bytes: builder.build(),
      recordCount: builder.recordCount,
      offsetCount: builder.recordCount,
      maxTimestamp: builder.maxTimestamp,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      transactional: false,
      control: false,
    }))
  }
}
