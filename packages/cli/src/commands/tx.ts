/** Transactions: which there are, what they wait for, and ending those that nobody ends. */
import type { HangingTransaction } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Command, command, need } from '../command.ts'
import { connect } from '../connect.ts'
import { printRows } from '../output/rows.ts'
import { durationMs } from '../start-position.ts'

const lsFlags = {
  state: { type: 'string', short: 's', multiple: true, value: 'STATE', help: 'only those in this state: Ongoing, …' },
  'longer-than': { type: 'string', value: 'TIME', help: 'only those under way for longer: 30s, 5m, 1h' },
} as const

export const ls: Command<typeof lsFlags> = command({
  name: 'tx ls',
  summary: 'Every transactional id, and how far its transaction is.',
  flags: lsFlags,
  examples: ['odradek tx ls --state Ongoing --longer-than 5m'],
  async run({ flags, signal }) {
    const longer = flags['longer-than']
    await using kafka = connect(flags)
    const found = await kafka.admin().transactions.list({
      ...{ states: flags.state ?? [], signal },
      ...(longer !== undefined && { longerThanMs: durationMs(longer) }),
    })
    printRows(
      found.map(({ transactionalId, producerId, state, coordinator }) => {
        return { transaction: transactionalId, producer: String(producerId), state, coordinator }
      }),
      flags.output,
      ['transaction', 'producer', 'state', 'coordinator'],
    )
    return 0
  },
})

export const describe: Command = command({
  name: 'tx describe',
  summary: 'A transactional id: its producer, and the partitions of what is open.',
  args: 'ID',
  async run(call) {
    const [id] = need(call, ['ID'], describe)
    await using kafka = connect(call.flags)
    const found = await kafka.admin().transactions.describe(id!, { signal: call.signal })
    const row = {
      transaction: id!,
      state: found.state,
      producer: String(found.producerId),
      epoch: found.epoch,
      coordinator: found.coordinator,
      timeout_ms: found.timeoutMs,
      started: found.startedAt === null ? null : new Date(found.startedAt).toISOString(),
      partitions: found.partitions.map(({ topic, partition }) => `${topic}-${partition}`),
    }
    printRows([row], call.flags.output)
    return 0
  },
})

const abortFlags = {
  hanging: { type: 'boolean', help: 'those that no coordinator knows of, in all partitions' },
  'older-than': { type: 'string', value: 'TIME', help: 'with --hanging: silent for longer than this (15m)' },
  'dry-run': { type: 'boolean', help: 'only show what would be aborted' },
} as const

export const abort: Command<typeof abortFlags> = command({
  name: 'tx abort',
  summary: 'Aborts what a producer has open and fences it; or what hangs.',
  args: '[ID]',
  flags: abortFlags,
  examples: ['odradek tx abort billing-1', 'odradek tx abort --hanging --dry-run'],
  async run({ args, flags, signal }) {
    if (flags.hanging !== true) {
      const [id] = need({ args }, ['ID'], abort)
      if (flags['dry-run'] || flags['older-than'] !== undefined)
        throw new UsageError('--dry-run and --older-than go with --hanging.')
      await using kafka = connect(flags)
      const admin = kafka.admin().transactions
      // Taking over an id that nobody has would make it.
      await admin.describe(id!, { signal })
      await admin.fence(id!, { signal })
      return 0
    }
    if (args.length > 0) throw new UsageError(`'${args[0]}' is one argument too many: --hanging finds them itself.`)
    await using kafka = connect(flags)
    const admin = kafka.admin().transactions
    const olderThanMs = flags['older-than'] === undefined ? {} : { olderThanMs: durationMs(flags['older-than']) }
    const found = await admin.findHanging({ ...olderThanMs, now: realClock.now(), signal })
    if (!flags['dry-run']) for (const each of found) await admin.abortHanging(each, { signal })
    printRows(found.map(hangingRow), flags.output, ['topic', 'partition', 'producer', 'epoch', 'from', 'last_write'])
    return 0
  },
})

const hangingRow = ({ topic, partition, producerId, epoch, startOffset, lastTimestamp }: HangingTransaction) => ({
  topic,
  partition,
  producer: String(producerId),
  epoch,
  from: startOffset,
  last_write: lastTimestamp < 0 ? null : new Date(lastTimestamp).toISOString(),
})
