/**
 * A conversation about the offsets of a group in transactions: what producers old and new can ask, rightly and wrongly, and what readers
 * are told meanwhile. Held with Apache Kafka once (kafka-transaction-answers.txt) and with our broker in every test run; the answers must
 * be the same. A line a call: who asks for what, and the error or the offsets.
 */
import {
  AddOffsetsToTxn,
  CreateTopics,
  DeleteGroups,
  EndTxn,
  errorByCode,
  FindCoordinator,
  InitProducerId,
  JoinGroup,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
  TxnOffsetCommit,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'

interface Producer {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

interface Pending {
  readonly version?: number
  readonly by?: Partial<Producer>
  readonly groupId?: string
  readonly topic?: string
  readonly partition?: number
  readonly metadata?: string
  readonly generationId?: number
  readonly memberId?: string
  readonly groupInstanceId?: string | null
}

const nameOf = (code: number): string => errorByCode(code).name

export class TransactionConversation {
  readonly lines: string[] = []
  readonly #client: RawClient
  readonly #name: string
  readonly #topic: string
  #producer: Producer = { transactionalId: '', producerId: -1n, producerEpoch: -1 }

  /** `name` must be new to the broker. */
  constructor(client: RawClient, name: string) {
    this.#client = client
    this.#name = name
    this.#topic = `${name}-topic`
  }

  async hold(): Promise<string[]> {
    await this.#settle()
    await this.#joining()
    await this.#reading()
    await this.#wrongly()
    await this.#oldClient()
    await this.#crossing()
    await this.#forgetting()
    await this.#members()
    await this.#withoutGroup()
    return this.lines
  }

  /** The topic is there, and the coordinators have found themselves. */
  async #settle(): Promise<void> {
    const wanted = { name: this.#topic, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
    await this.#client.call(CreateTopics, 5, { topics: [wanted], timeoutMs: 5000, validateOnly: false })
    const fetched = () => this.#client.call(OffsetFetch, 7, { groupId: this.#name, topics: null })
    while ((await fetched()).errorCode !== 0)
      await this.#client.call(FindCoordinator, 3, { key: this.#name, keyType: 0 })
    await this.#client.call(FindCoordinator, 3, { key: `${this.#name}-tx`, keyType: 1 })
    await this.#init()
  }

  async #joining(): Promise<void> {
    for (const version of [0, 3, 4]) await this.#pend('before anything is open', 1, { version })
    await this.#pend('that joins by itself', 10)
    await this.#pend('again', 11)
    await this.#pend('elsewhere', 12, { partition: 1 })
  }

  async #reading(): Promise<void> {
    await this.#read('while it is open', { stable: false })
    await this.#read('while it is open', { stable: true })
    await this.#read('while it is open, everything', { stable: true, all: true })
    await this.#read('while it is open', { stable: true, version: 9 })
    await this.#end('commit')
    await this.#read('after the commit', { stable: true, settled: true })
  }

  async #wrongly(): Promise<void> {
    const { producerEpoch, producerId } = this.#producer
    await this.#pend('of a transaction that is over', 13, { by: { producerEpoch: producerEpoch - 1 } })
    await this.#pend('of a transaction that is over', 13, { by: { producerEpoch: producerEpoch - 1 }, version: 3 })
    await this.#pend('of another producer', 13, { by: { producerId: producerId + 1000n } })
    await this.#pend('of an unknown transactional id', 13, { by: { transactionalId: `${this.#name}-nobody` } })
    await this.#pend('of no group', 13, { groupId: '' })
    await this.#pend('of an unknown topic', 13, { topic: `${this.#name}-none` })
    await this.#pend('of an unknown partition', 13, { partition: 7 })
    await this.#pend('with a long note', 13, { metadata: 'm'.repeat(5000) })
    await this.#pend('of a generation nobody had', 13, { generationId: 3, memberId: 'x' })
    await this.#pend('of a member nobody knows', 13, { memberId: 'x' })
    await this.#pend('of an instance nobody knows', 13, { groupInstanceId: 'i' })
    await this.#end('abort')
    await this.#read('after the abort', { stable: true, settled: true })
  }

  async #oldClient(): Promise<void> {
    await this.#addOffsets()
    for (const version of [0, 1, 2, 3, 4]) await this.#pend('of one who has added the group', 20 + version, { version })
    await this.#end('commit', 3)
    await this.#read('after its commit', { stable: true, settled: true })
    await this.#pend('late', 29, { version: 3 })
    await this.#pend('late', 29, { version: 4 })
    await this.#read('after that', { stable: true })
  }

  async #crossing(): Promise<void> {
    await this.#init()
    await this.#pend('before a plain commit', 30)
    await this.#commit('of no member', 31, { version: 8 })
    await this.#read('with both', { stable: false })
    await this.#end('commit')
    await this.#read('with both, after the commit', { stable: true, settled: true })
  }

  async #forgetting(): Promise<void> {
    await this.#pend('before the offset is deleted', 40)
    await this.#forget()
    await this.#read('after that', { stable: true })
    await this.#end('commit')
    await this.#read('after that and the commit', { stable: true, settled: true })
    await this.#pend('before the group is deleted', 41)
    const { results } = await this.#client.call(DeleteGroups, 2, { groupsNames: [this.#name] })
    this.#say('the group is deleted', nameOf(results[0]!.errorCode))
    await this.#read('after that', { stable: true })
    await this.#end('commit')
    await this.#read('after that and the commit', { stable: true, settled: true })
  }

  async #members(): Promise<void> {
    const { memberId, generationId } = await this.#join()
    await this.#pend('of a member before it has synced', 50, { memberId, generationId })
    await this.#sync(memberId, generationId)
    await this.#pend('of a member', 51, { memberId, generationId })
    await this.#pend('of a member of the generation before', 52, { memberId, generationId: generationId - 1 })
    await this.#pend('of a member that says no generation', 52, { memberId })
    await this.#pend('of nobody in this generation', 52, { memberId: 'x', generationId })
    await this.#pend('of a member under a wrong instance', 52, { memberId, generationId, groupInstanceId: 'i' })
    await this.#pend('of one who says nothing', 53)
    await this.#commit('of one who says nothing', 54, { version: 8 })
    await this.#commit('of the generation before', 54, { version: 9, memberId, generation: generationId - 1 })
    await this.#read('by a member with an epoch', { stable: false, version: 9, memberId: 'x', memberEpoch: 7 })
    await this.#forget()
    await this.#end('commit')
    await this.#read('after the commit', { stable: true, settled: true })
  }

  async #withoutGroup(): Promise<void> {
    const groupId = `${this.#name}-absent`
    await this.#commit('to no group, of a generation', 60, { version: 8, groupId, generation: 2, memberId: 'x' })
    await this.#commit('to no group, of a generation', 60, { version: 9, groupId, generation: 2, memberId: 'x' })
    await this.#pend('to no group, of a generation', 60, { groupId, generationId: 2, memberId: 'x' })
    await this.#read('of no group', { stable: true, version: 9, groupId, memberId: 'x', memberEpoch: 3 })
    await this.#pend('to no group', 61, { groupId })
    await this.#read('of no group', { stable: true, version: 9, groupId })
    await this.#end('abort')
    await this.#read('of no group', { stable: true, settled: true, groupId })
  }

  #say(what: string, answer: string): void {
    this.lines.push(`${what}: ${answer}`.replaceAll(this.#name, 'NAME'))
  }

  async #init(): Promise<void> {
    const transactionalId = `${this.#name}-tx`
    for (;;) {
      const request = { transactionalId, transactionTimeoutMs: 60_000 }
      const { errorCode, producerId, producerEpoch } = await this.#client.call(InitProducerId, 4, request)
      this.#producer = { transactionalId, producerId, producerEpoch }
      if (errorCode === 0) return
    }
  }

  async #addOffsets(): Promise<void> {
    const request = { ...this.#producer, groupId: this.#name }
    for (;;) {
      const { errorCode } = await this.#client.call(AddOffsetsToTxn, 3, request)
      if (nameOf(errorCode) === 'CONCURRENT_TRANSACTIONS') continue
      return this.#say('AddOffsetsToTxn', nameOf(errorCode))
    }
  }

  async #pend(what: string, offset: number, o: Pending = {}): Promise<void> {
    const { version = 5, by, groupId = this.#name, topic = this.#topic, partition = 0, metadata = 'n', ...claim } = o
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }]
    const request = { ...this.#producer, ...by, groupId, ...claim, topics: [{ name: topic, partitions }] }
    for (;;) {
      const { topics } = await this.#client.call(TxnOffsetCommit, version, request)
      const error = nameOf(topics[0]!.partitions[0]!.errorCode)
      // The end of the transaction before may be under way.
      if (error === 'CONCURRENT_TRANSACTIONS' || error === 'COORDINATOR_NOT_AVAILABLE') continue
      return this.#say(`TxnOffsetCommit v${version} ${offset} ${what}`, error)
    }
  }

  async #commit(
    what: string,
    committedOffset: number,
    o: { version: number; groupId?: string; generation?: number; memberId?: string },
  ): Promise<void> {
    const { version, groupId = this.#name, generation: generationIdOrMemberEpoch = -1, memberId = '' } = o
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const topics = [{ name: this.#topic, partitions }]
    const answer = await this.#client.call(OffsetCommit, version, {
      groupId,
      generationIdOrMemberEpoch,
      memberId,
      topics,
    })
    const error = nameOf(answer.topics[0]!.partitions[0]!.errorCode)
    this.#say(`OffsetCommit v${version} ${committedOffset} ${what}`, error)
  }

  /** `settled`: asks until no offset is unstable any more. */
  async #read(
    what: string,
    o: {
      stable: boolean
      settled?: boolean
      all?: boolean
      version?: number
      groupId?: string
      memberId?: string
      memberEpoch?: number
    },
  ): Promise<void> {
    const { stable: requireStable, version = 7, groupId = this.#name, memberId = null, memberEpoch = -1 } = o
    const topics = o.all ? null : [{ name: this.#topic, partitionIndexes: [0, 1] }]
    const request = version < 8 ? { groupId, topics } : { groups: [{ groupId, memberId, memberEpoch, topics }] }
    for (;;) {
      const answer = await this.#client.call(OffsetFetch, version, { ...request, requireStable } as never)
      const group = version < 8 ? answer : answer.groups[0]!
      const offsets = group.topics
        .flatMap(({ partitions }) => partitions)
        .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
        .map(({ committedOffset, errorCode }) => (errorCode === 0 ? committedOffset : nameOf(errorCode)))
      if (o.settled && offsets.includes('UNSTABLE_OFFSET_COMMIT')) continue
      const name = `OffsetFetch v${version}${requireStable ? ' stable' : ''}`
      return this.#say(`${name} ${what}`, `${nameOf(group.errorCode)} ${offsets.join(' ')}`)
    }
  }

  async #end(outcome: 'commit' | 'abort', version = 5): Promise<void> {
    const request = { ...this.#producer, committed: outcome === 'commit' }
    const { errorCode, producerId, producerEpoch } = await this.#client.call(EndTxn, version, request)
    if (version >= 5 && errorCode === 0) this.#producer = { ...this.#producer, producerId, producerEpoch }
    this.#say(`EndTxn v${version} ${outcome}`, nameOf(errorCode))
  }

  async #forget(): Promise<void> {
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }]
    const answer = await this.#client.call(OffsetDelete, 0, { groupId: this.#name, topics })
    const errors = answer.topics.flatMap(({ partitions }) => partitions).map(({ errorCode }) => nameOf(errorCode))
    this.#say('OffsetDelete', [nameOf(answer.errorCode), ...errors].join(' '))
  }

  async #join(): Promise<{ memberId: string; generationId: number }> {
    const protocols = [{ name: 'range', metadata: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }]
    const timeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 }
    const request = { groupId: this.#name, ...timeouts, memberId: '', protocolType: 'consumer', protocols }
    return this.#client.call(JoinGroup, 3, request)
  }

  async #sync(memberId: string, generationId: number): Promise<void> {
    const assignments = [{ memberId, assignment: new Uint8Array(0) }]
    await this.#client.call(SyncGroup, 3, { groupId: this.#name, generationId, memberId, assignments })
  }
}
