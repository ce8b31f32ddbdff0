/** Groups of every kind: who is in them, how far they are, and moving them. */
import type { GroupDescription, Kafka } from '@odradek/client'
import { ErrorCodes, ProtocolError, UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Command, command, need } from '../command.ts'
import { connect } from '../connect.ts'
import { printRows } from '../output/rows.ts'
import { resetTarget } from '../start-position.ts'

export const ls: Command = command({
  name: 'group ls',
  summary: 'Every group, and whether it is at work.',
  async run({ flags, signal }) {
    await using kafka = connect(flags)
    const groups = await kafka.admin().groups.list({ signal })
    printRows(
      groups.map(({ groupId, state, protocolType, type }) => ({ group: groupId, state, protocol: protocolType, type })),
      flags.output,
      ['group', 'state', 'protocol', 'type'],
    )
    return 0
  },
})

export const describe: Command = command({
  name: 'group describe',
  summary: 'The members of a group and what each of them reads.',
  args: 'GROUP',
  async run(call) {
    const [name] = need(call, ['GROUP'], describe)
    await using kafka = connect(call.flags)
    const { state, type, protocol, members } = await existing(kafka, name!, call.signal)
    const rows = members.map(({ memberId, clientId, clientHost, assignment }) => ({
      group: name!,
      state,
      type,
      assignor: protocol,
      member: memberId,
      client: clientId,
      host: clientHost,
      partitions: assignment.map(({ topic, partition }) => `${topic}-${partition}`),
    }))
    printRows(
      rows.length > 0
        ? rows
        : [
            {
              ...{ group: name!, state, type, assignor: protocol || null },
              ...{ member: null, client: null, host: null, partitions: [] },
            },
          ],
      call.flags.output,
    )
    return 0
  },
})

export const lag: Command = command({
  name: 'group lag',
  summary: 'How far a group is behind, partition by partition.',
  args: 'GROUP',
  async run(call) {
    const [name] = need(call, ['GROUP'], lag)
    await using kafka = connect(call.flags)
    await existing(kafka, name!, call.signal)
    const rows = await kafka.admin().groups.lag(name!, { signal: call.signal })
    printRows(
      rows.map(({ topic, partition, committed, end, lag: behind, member }) => ({
        topic,
        partition,
        committed,
        end,
        lag: behind,
        member: member?.memberId ?? null,
      })),
      call.flags.output,
      ['topic', 'partition', 'committed', 'end', 'lag', 'member'],
    )
    return 0
  },
})

const resetFlags = {
  topic: { type: 'string', short: 't', value: 'TOPIC', help: 'only this topic' },
  to: { type: 'string', value: 'WHERE', help: 'start, end, an offset, +10 or -10 from where it is, @-1h, @2026-01-31' },
  'dry-run': { type: 'boolean', help: 'only show what would change' },
} as const

export const reset: Command<typeof resetFlags> = command({
  name: 'group reset',
  summary: 'Moves the offsets of a group that has no members.',
  args: 'GROUP --to WHERE',
  flags: resetFlags,
  examples: ['odradek group reset billing -t orders --to start --dry-run', 'odradek group reset billing --to @-2h'],
  async run(call) {
    const [name] = need(call, ['GROUP'], reset)
    const { flags, signal } = call
    if (flags.to === undefined) throw new UsageError('Say where to with --to: start, end, an offset, +10, -10 or @-1h.')
    await using kafka = connect(flags)
    // With a topic a group may get its first offsets; without one it has to have some.
    if (flags.topic === undefined) await existing(kafka, name!, signal)
    const moves = await kafka
      .admin()
      .groups.resetOffsets(
        name!,
        { ...(flags.topic !== undefined && { topic: flags.topic }), to: resetTarget(flags.to, realClock.now()) },
        { dryRun: flags['dry-run'] ?? false, signal },
      )
    printRows(
      moves.map(({ topic, partition, from, to }) => ({ topic, partition, from, to })),
      flags.output,
    )
    return 0
  },
})

export const remove: Command = command({
  name: 'group delete',
  summary: 'Deletes groups without members, and their offsets.',
  args: 'GROUP…',
  async run({ args, flags, signal }) {
    if (args.length === 0) need({ args }, ['GROUP'], remove)
    await using kafka = connect(flags)
    await kafka.admin().groups.delete(args, { signal })
    return 0
  },
})

/** A group nobody knows is described as dead (KIP-1043 came late); a person wants to be told that the name is wrong. */
async function existing(kafka: Kafka, name: string, signal: AbortSignal): Promise<GroupDescription> {
  const group = await kafka.admin().groups.describe(name, { signal })
  if (group.state === 'Dead')
    throw new ProtocolError(ErrorCodes.GROUP_ID_NOT_FOUND, {
      message: `there is no group '${name}': \`odradek group ls\` lists those there are`,
    })
  return group
}
