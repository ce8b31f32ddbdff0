/** Streams applications: which there are, who works in them, and making one begin anew. */
import { readFile } from 'node:fs/promises'
import { UsageError } from '@odradek/protocol'
import { realClock } from '@odradek/world'
import { type Command, command, need } from '../command.ts'
import { connect } from '../connect.ts'
import { printRows } from '../output/rows.ts'
import { findApplication, listApplications } from '../streams-application/applications.ts'
import { internalTopicKind } from '../streams-application/internal-topics.ts'
import { resetApplication } from '../streams-application/reset.ts'
import { parseOffsetsFile, targetOf } from '../streams-application/reset-target.ts'

export const ls: Command = command({
  name: 'streams ls',
  summary: 'Every Streams application, in groups of either protocol.',
  async run({ flags, signal }) {
    await using kafka = connect(flags)
    const found = await listApplications(kafka.admin(), signal)
    printRows(
      found.map(({ group: { groupId, type, state, members }, topics }) => ({
        application: groupId,
        ...{ type, state, members: members.length, internal_topics: topics.length },
      })),
      flags.output,
      ['application', 'type', 'state', 'members', 'internal_topics'],
    )
    return 0
  },
})

const describeFlags = {
  topics: { type: 'boolean', help: 'the topics it keeps for itself, instead of its members' },
  offsets: { type: 'boolean', help: 'how far it is behind, partition by partition, instead of its members' },
} as const

export const describe: Command<typeof describeFlags> = command({
  name: 'streams describe',
  summary: 'The instances of an application and what each of them reads.',
  args: 'APPLICATION',
  flags: describeFlags,
  examples: ['odradek streams describe word-count', 'odradek streams describe word-count --topics'],
  async run(call) {
    const [id] = need(call, ['APPLICATION'], describe)
    const { flags, signal } = call
    if (flags.topics && flags.offsets) throw new UsageError('--topics and --offsets do not go together.')
    await using kafka = connect(flags)
    const admin = kafka.admin()
    const { group, topics } = await findApplication(admin, id!, signal)
    if (flags.topics) {
      const rows = topics.map(topic => ({ topic, kind: internalTopicKind(topic, id!) }))
      printRows(rows, flags.output, ['topic', 'kind'])
    } else if (flags.offsets) {
      const rows = await admin.groups.lag(id!, { signal })
      printRows(
        rows.map(({ topic, partition, committed, end, lag, member }) => ({
          ...{ topic, partition, committed, end, lag, member: member?.memberId ?? null },
        })),
        flags.output,
        ['topic', 'partition', 'committed', 'end', 'lag', 'member'],
      )
    } else {
      const { type, state, members } = group
      const rows = members.map(({ memberId, clientId, clientHost, assignment }) => ({
        ...{ application: id!, type, state, member: memberId, client: clientId, host: clientHost },
        partitions: assignment.map(({ topic, partition }) => `${topic}-${partition}`),
      }))
      const none = { application: id!, type, state, member: null, client: null, host: null, partitions: [] }
      printRows(rows.length > 0 ? rows : [none], flags.output)
    }
    return 0
  },
})

const removeFlags = {
  'internal-topics': { type: 'boolean', help: 'its changelogs and repartition topics, too: its state is gone then' },
} as const

export const remove: Command<typeof removeFlags> = command({
  name: 'streams delete',
  summary: 'Deletes the groups of applications that are stopped, and their offsets.',
  args: 'APPLICATION…',
  flags: removeFlags,
  async run({ args, flags, signal }) {
    if (args.length === 0) need({ args }, ['APPLICATION'], remove)
    await using kafka = connect(flags)
    const admin = kafka.admin()
    for (const id of args) {
      const { group, topics } = await findApplication(admin, id, signal)
      if (group.members.length > 0)
        throw new UsageError(`'${id}' has ${group.members.length} active members: stop every instance first.`)
      if (group.state !== 'Dead') await admin.groups.delete(id, { signal })
      if (flags['internal-topics'] && topics.length > 0) await admin.topics.delete([...topics], { signal })
    }
    return 0
  },
})

const resetFlags = {
  application: { type: 'string', value: 'ID', help: 'the application id' },
  'input-topics': { type: 'string', multiple: true, value: 'A,B', help: 'topics it reads whose offsets are moved' },
  'internal-topics': { type: 'string', multiple: true, value: 'A,B', help: 'only these of its own topics are deleted' },
  'to-earliest': { type: 'boolean', help: 'to the first record (default)' },
  'to-latest': { type: 'boolean', help: 'behind the last record' },
  'to-offset': { type: 'string', value: 'N', help: 'to this offset' },
  'to-datetime': { type: 'string', value: 'TIME', help: 'to a time: 2026-01-31T12:00:00 (UTC)' },
  'by-duration': { type: 'string', value: 'P1DT2H', help: 'to so long ago; 90s, 5m, 1h, 2d too' },
  'shift-by': { type: 'string', value: 'N', help: 'so many records ahead, or back: -10' },
  'from-file': { type: 'string', value: 'FILE', help: 'lines topic,partition,offset' },
  'dry-run': { type: 'boolean', help: 'only show what would change' },
  force: { type: 'boolean', help: 'take members that hang out of the group first' },
} as const

export const reset: Command<typeof resetFlags> = command({
  name: 'streams reset',
  summary: 'Makes a stopped application begin anew: moves its input offsets, deletes its internal topics.',
  flags: resetFlags,
  examples: [
    'odradek streams reset --application word-count --input-topics lines --dry-run',
    'odradek streams reset --application word-count --input-topics lines --by-duration P1D',
  ],
  async run({ flags, signal }) {
    const { application } = flags
    if (application === undefined) throw new UsageError('Say which with --application ID.')
    const file = flags['from-file']
    const to = targetOf(flags, realClock.now())
    const offsets = file === undefined ? [] : parseOffsetsFile(await readFile(file, 'utf8'))
    const internalTopics = flags['internal-topics'] && listed(flags['internal-topics'])
    await using kafka = connect(flags)
    const { moves, deleted } = await resetApplication(kafka.admin(), {
      ...{ application, inputTopics: listed(flags['input-topics'] ?? []), internalTopics, to, offsets, signal },
      ...{ dryRun: flags['dry-run'] ?? false, force: flags.force ?? false },
    })
    printRows(
      [
        ...moves.map(({ topic, partition, from, to }) => ({ action: 'move', topic, partition, from, to })),
        ...deleted.map(topic => ({ action: 'delete', topic, partition: null, from: null, to: null })),
      ],
      flags.output,
    )
    return 0
  },
})

/** `--input-topics a,b --input-topics c` */
const listed = (texts: readonly string[]): string[] =>
  texts.flatMap(text => text.split(',').map(name => name.trim())).filter(name => name !== '')
