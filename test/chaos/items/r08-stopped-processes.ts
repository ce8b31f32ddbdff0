/**
 * SIGSTOP: the broker for a while, as a suspended machine does it, and each kind of client for longer than its session. Heartbeats that
 * waited are looked at before anybody is expired, and a member that was expired may not commit any more.
 */
import assert from 'node:assert/strict'
import { Kafka } from '@odradek/client'
import { ErrorCodes, InitProducerId, OffsetCommit, TxnOffsetCommit } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import type { Chaos } from '../chaos.ts'
import { atMost, exactly, item, type Measured } from '../item.ts'
import { ClientProcess } from '../load/client-process.ts'
import { RecordedLoad } from '../load/recorded-load.ts'
import { historyBars, historyFigures } from '../load/verdict-figures.ts'

export const stoppedProcesses = item({
  id: 'R8',
  what: 'processes that stand still',
  bars: {
    ...historyBars,
    rebalances: atMost(1, 'rebalances after the broker stood still'),
    takeover: atMost(12, 'others own the partitions of a stopped member (session of 6 s)', 's'),
    zombies: exactly(100, 'commits of expired members refused, in transactions too', '%'),
    back: atMost(12, 'clients at work again after they went on', 's'),
  },
  async run(chaos) {
    const broker = await stoppedBroker(chaos)
    return { ...broker, ...(await stoppedClients(chaos)) }
  },
})

const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function stoppedBroker(chaos: Chaos) {
  const settings = ['-c', 'group.initial.rebalance.delay.ms=1000']
  const broker = await chaos.serve(['--listen', '127.0.0.1:0', '--data', chaos.folder(), ...settings])
  const load = new RecordedLoad({ connect: () => new Kafka({ brokers: broker.bootstrap, retryTimeoutMs: 180_000 }) })
  await load.start()
  let worst = 0
  for (const seconds of chaos.options.isQuick ? [1, 5] : [1, 10, 60]) {
    await load.progress()
    const before = load.rebalances
    process.kill(broker.pid, 'SIGSTOP')
    await wait(seconds * 1000)
    process.kill(broker.pid, 'SIGCONT')
    await load.progress()
    // Time for a heartbeat that tells a member that it is no more.
    await wait(4_000)
    await load.progress()
    // A rebalance gives partitions to each of the two members.
    const rebalances = Math.ceil((load.rebalances - before) / 2)
    chaos.say(`the broker stood still for ${seconds} s: ${rebalances} rebalances`)
    worst = Math.max(worst, rebalances)
  }
  const figures = historyFigures(await load.finish(), chaos)
  await broker.end('SIGKILL')
  return { ...figures, rebalances: worst }
}

/** Each of two members and a producer stands still in turn; the others go on. */
async function stoppedClients(chaos: Chaos): Promise<{ takeover: Measured; zombies: Measured; back: Measured }> {
  const settings = ['-c', 'group.initial.rebalance.delay.ms=1000', '-c', 'num.partitions=6']
  const broker = await chaos.serve(['--listen', '127.0.0.1:0', '--data', chaos.folder(), ...settings])
  const raw = await RawClient.connect(realWire, broker.address)
  const producer = new ClientProcess(chaos, 'producer', broker.bootstrap)
  await producer.progress()
  const members = [1, 2].map(() => new ClientProcess(chaos, 'member', broker.bootstrap))
  const shared = () => Promise.all(members.map(member => member.owns(partitions => partitions.length === 3)))
  await shared()
  const takeovers: number[] = []
  const backs: number[] = []
  let refused = 0
  for (const [i, victim] of [...members, producer].entries()) {
    const zombie = victim.membership
    victim.signal('SIGSTOP')
    const stopped = performance.now()
    if (zombie) {
      const other = members[1 - i]!
      await other.owns(partitions => partitions.length === 6)
      takeovers.push((performance.now() - stopped) / 1000)
      refused += (await commitIsRefused(raw, zombie)) + (await transactionIsRefused(raw, zombie))
    } else await wait(chaos.options.isQuick ? 2_000 : 10_000)
    const went = performance.now()
    victim.signal('SIGCONT')
    await victim.progress()
    if (zombie) await shared()
    backs.push((performance.now() - went) / 1000)
  }
  raw.close()
  const worst = (seconds: number[]) => Math.round(10 * Math.max(...seconds)) / 10
  return { takeover: worst(takeovers), zombies: { value: 25 * refused, detail: '2 members' }, back: worst(backs) }
}

interface Zombie {
  readonly memberId: string
  readonly generation: number
}

const place = { partitionIndex: 0, committedOffset: 0, committedLeaderEpoch: -1 }

async function commitIsRefused(raw: RawClient, zombie: Zombie): Promise<0 | 1> {
  const { topics } = await raw.call(OffsetCommit, 7, {
    groupId: 'readers',
    generationIdOrMemberEpoch: zombie.generation,
    memberId: zombie.memberId,
    groupInstanceId: null,
    topics: [{ name: 'load', partitions: [{ ...place, committedMetadata: null }] }],
  })
  return isRefusal(topics[0]!.partitions[0]!)
}

/** The same by a producer whose own standing is beyond doubt. */
async function transactionIsRefused(raw: RawClient, zombie: Zombie): Promise<0 | 1> {
  const transactionalId = zombie.memberId
  const nobody = { producerId: -1n, producerEpoch: -1 }
  const { producerId, producerEpoch, errorCode } = await raw.call(InitProducerId, 5, {
    ...{ transactionalId, transactionTimeoutMs: 10_000 },
    ...nobody,
  })
  assert.equal(errorCode, ErrorCodes.NONE)
  const { topics } = await raw.call(TxnOffsetCommit, 5, {
    ...{ transactionalId, groupId: 'readers', producerId, producerEpoch },
    ...{ generationId: zombie.generation, memberId: zombie.memberId, groupInstanceId: null },
    topics: [{ name: 'load', partitions: [{ ...place, committedMetadata: null }] }],
  })
  return isRefusal(topics[0]!.partitions[0]!)
}

const isRefusal = ({ errorCode }: { errorCode: number }) =>
  errorCode === ErrorCodes.UNKNOWN_MEMBER_ID || errorCode === ErrorCodes.ILLEGAL_GENERATION ? 1 : 0
