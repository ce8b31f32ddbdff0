/** Topics: make, look at, change, trim, delete. */
import type { PartitionOffset } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Command, command, need } from '../command.ts'
import { connect } from '../connect.ts'
import { printRows } from '../output/rows.ts'
import { configPairs, parseCount } from '../start-broker.ts'
import { parseFrom } from '../start-position.ts'

const lsFlags = { internal: { type: 'boolean', help: "also the cluster's own topics" } } as const

export const ls: Command<typeof lsFlags> = command({
  name: 'topic ls',
  summary: 'Every topic, with its partitions.',
  flags: lsFlags,
  async run({ flags, signal }) {
    await using kafka = connect(flags)
    const topics = await Array.fromAsync(kafka.admin().topics.list({ internal: flags.internal ?? false, signal }))
    printRows(
      topics.map(({ name, topicId, partitions }) => ({ topic: name, partitions: partitions.length, id: topicId })),
      flags.output,
      ['topic', 'partitions', 'id'],
    )
    return 0
  },
})

const createFlags = {
  partitions: {
    type: 'string',
    short: 'p',
    value: 'N',
    help: "how many partitions (default: the cluster's num.partitions)",
  },
  replicas: { type: 'string', short: 'r', value: 'N', help: 'replication factor, on a cluster that has several' },
  config: { type: 'string', short: 'c', multiple: true, value: 'KEY=VALUE', help: 'a topic setting' },
  'if-not-exists': { type: 'boolean', help: 'no failure when it is there' },
} as const

export const create: Command<typeof createFlags> = command({
  name: 'topic create',
  summary: 'Makes a topic.',
  args: 'TOPIC',
  flags: createFlags,
  examples: ['odradek topic create orders -p 6 -c retention.ms=604800000'],
  async run(call) {
    const [name] = need(call, ['TOPIC'], create)
    const { flags, signal } = call
    await using kafka = connect(flags)
    const rows = await kafka.admin().topics.create(
      {
        name: name!,
        ...(flags.partitions !== undefined && { partitions: parseCount(flags.partitions, '-p') }),
        ...(flags.replicas !== undefined && { replicationFactor: parseCount(flags.replicas, '-r') }),
        config: configPairs(flags.config ?? [], '-c'),
      },
      { ifNotExists: flags['if-not-exists'] ?? false, signal },
    )
    printRows(
      rows.map(row => ({ topic: row.name, partitions: row.partitions, id: row.topicId, created: row.isNew })),
      flags.output,
    )
    return 0
  },
})

const describeFlags = {
  configs: { type: 'boolean', help: 'its settings instead of its partitions; those at their default too' },
} as const

export const describe: Command<typeof describeFlags> = command({
  name: 'topic describe',
  summary: 'The partitions of a topic: leaders, replicas, first and next offset. Or its settings.',
  args: 'TOPIC',
  flags: describeFlags,
  async run(call) {
    const [name] = need(call, ['TOPIC'], describe)
    const { flags, signal } = call
    await using kafka = connect(flags)
    const admin = kafka.admin()
    if (flags.configs) {
      const entries = await admin.configs.describe({ topic: name! }, { signal })
      printRows(
        entries.map(({ name: setting, value, source }) => ({ setting, value, source })),
        flags.output,
      )
      return 0
    }
    const { partitions } = await admin.topics.describe(name!, { signal })
    const [first, next] = await Promise.all([
      admin.topics.offsets(name!, 'earliest', { signal }),
      admin.topics.offsets(name!, 'latest', { signal }),
    ])
    const at = (offsets: readonly PartitionOffset[], partition: number) =>
      offsets.find(one => one.partition === partition)?.offset
    printRows(
      partitions.map(({ partition, leader, replicas, inSync }) => ({
        partition,
        leader,
        replicas: [...replicas],
        isr: [...inSync],
        first: at(first, partition),
        next: at(next, partition),
      })),
      flags.output,
    )
    return 0
  },
})

export const alter: Command = command({
  name: 'topic alter',
  summary: 'Sets settings (KEY=VALUE) or gives them their default again (KEY-).',
  args: 'TOPIC KEY=VALUE… KEY-…',
  examples: ['odradek topic alter orders retention.ms=86400000 max.message.bytes-'],
  async run({ args: [name, ...changes], flags, signal }) {
    if (name === undefined || changes.length === 0)
      need({ args: name === undefined ? [] : [name] }, ['TOPIC', 'KEY=VALUE'], alter)
    const unset = changes.filter(change => /^[^=]+-$/.test(change)).map(change => change.slice(0, -1))
    const set = configPairs(
      changes.filter(change => !/^[^=]+-$/.test(change)),
      'setting',
    )
    await using kafka = connect(flags)
    await kafka.admin().configs.alter({ topic: name! }, { set, unset }, { signal })
    return 0
  },
})

const deleteFlags = { 'if-exists': { type: 'boolean', help: 'no failure when it is not there' } } as const

export const remove: Command<typeof deleteFlags> = command({
  name: 'topic delete',
  summary: 'Deletes topics and all their records.',
  args: 'TOPIC…',
  flags: deleteFlags,
  async run({ args, flags, signal }) {
    if (args.length === 0) need({ args }, ['TOPIC'], remove)
    await using kafka = connect(flags)
    await kafka.admin().topics.delete(args, { ifExists: flags['if-exists'] ?? false, signal })
    return 0
  },
})

export const addPartitions: Command = command({
  name: 'topic add-partitions',
  summary: 'Makes a topic have TOTAL partitions. Keys go to other partitions from then on.',
  args: 'TOPIC TOTAL',
  async run(call) {
    const [name, total] = need(call, ['TOPIC', 'TOTAL'], addPartitions)
    await using kafka = connect(call.flags)
    await kafka.admin().topics.createPartitions(name!, parseCount(total!, 'TOTAL'), { signal: call.signal })
    return 0
  },
})

const trimFlags = {
  before: { type: 'string', value: 'WHERE', help: 'an offset, end, or @-1d, @2026-01-31' },
  partition: { type: 'string', short: 'p', value: 'N', help: 'this partition only' },
} as const

export const trim: Command<typeof trimFlags> = command({
  name: 'topic trim',
  summary: 'Deletes the records before an offset or a time.',
  args: 'TOPIC --before WHERE',
  flags: trimFlags,
  examples: ['odradek topic trim orders --before @-7d', 'odradek topic trim orders -p 0 --before 1000'],
  async run(call) {
    const [name] = need(call, ['TOPIC'], trim)
    const { flags, signal } = call
    if (flags.before === undefined) throw new UsageError('Say which records go with --before: an offset, end, or @-1d.')
    const where = parseFrom(flags.before, realClock.now())
    if ('last' in where) throw new UsageError('--before takes an offset, start, end or @TIME.')
    await using kafka = connect(flags)
    const { topics } = kafka.admin()
    const point =
      'timestamp' in where
        ? { timestamp: where.timestamp }
        : 'at' in where && where.at === 'start'
          ? 'earliest'
          : 'latest'
    const found = await topics.offsets(name!, point, {
      signal,
      ...(flags.partition !== undefined && { partitions: [Number(flags.partition)] }),
    })
    // A time later than every record finds none: then all of them are before it.
    const targets = found.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      before: 'offset' in where ? where.offset : offset,
    }))
    const rows = await topics.deleteRecords(targets, { signal })
    printRows(
      rows.map(({ topic, partition, lowWatermark }) => ({ topic, partition, first: lowWatermark })),
      flags.output,
    )
    return 0
  },
})
