/** The files of a data folder: looked at, mended, backed up, restored. No broker is asked; most of it works beside a running one. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { lockFolder, metadataForRestore, metadataLogName, readMetadata } from '@odradek/broker/metadata'
import { backUpFolder, repairFolder, restoreFolder } from '@odradek/log/tools'
import { UsageError } from '@odradek/protocol'
import { realClock, realDisk } from '@odradek/world'
import { type Command, command, need } from '../command.ts'
import { openDataFolder } from '../data-folder/data-folder.ts'
import { dump as dumpFiles } from '../data-folder/dump.ts'
import { findingText } from '../data-folder/findings-text.ts'
import { bytesText, Progress } from '../data-folder/progress.ts'
import { printVerification, verifyNamed } from '../data-folder/verification.ts'
import { outputFormat, printRows } from '../output/rows.ts'
import { parseCount } from '../start-broker.ts'

const verifyFlags = {
  topic: { type: 'string', short: 't', value: 'TOPIC', help: 'this topic only' },
  partition: { type: 'string', short: 'p', value: 'N', help: 'partitions of this number only' },
  deep: { type: 'boolean', help: 'decode every record, too' },
} as const

export const verify: Command<typeof verifyFlags> = command({
  name: 'log verify',
  summary:
    'Checks every file of a data folder, also beside a running broker, or of a backup. Changes nothing. Exit code 1: something is damaged.',
  args: 'DATA_DIR|BACKUP_DIR',
  asksNoBroker: true,
  flags: verifyFlags,
  examples: ['odradek log verify ./data', 'odradek log verify ./data --topic orders --deep -o ndjson'],
  async run(call) {
    const [named] = need(call, ['DATA_DIR'], verify)
    const { topic, partition, deep = false, output } = call.flags
    const only = partition === undefined ? undefined : parseNumber(partition, '--partition')
    return printVerification(await verifyNamed({ named: named!, topic, partition: only, deep }), named!, output)
  },
})

const dumpFlags = {
  from: { type: 'string', value: 'OFFSET', help: 'from the batch, or record, with this offset on' },
  count: { type: 'string', short: 'n', value: 'N', help: 'so many batches, or records' },
  records: { type: 'boolean', help: 'the records of the batches; those of __consumer_offsets in words' },
  format: {
    type: 'string',
    short: 'f',
    value: 'TEMPLATE',
    help: "records, by kcat's tokens: %t %p %o %k %v %h %T %K %S",
  },
} as const

export const dump: Command<typeof dumpFlags> = command({
  name: 'log dump',
  summary:
    'Says what files of a data folder hold: segments by batch or by record, indexes, snapshots, the checkpoint, the journal, metadata.log, the manifest of a backup. Exit code 1: damaged bytes were passed over.',
  args: 'FILE…|DATA_DIR/PARTITION',
  asksNoBroker: true,
  flags: dumpFlags,
  examples: [
    'odradek log dump ./data/orders-0 --from 1000 -n 5',
    "odradek log dump ./data/orders-0 -f '%o %k %v\\n'",
    'odradek log dump ./data/__consumer_offsets-7 --records',
    'odradek log dump ./data/checkpoint -o ndjson',
  ],
  async run({ args, flags }) {
    if (args.length === 0) need({ args }, ['FILE'], dump)
    const { from, count, records = false, format, output } = flags
    return dumpFiles({
      paths: args,
      from: from === undefined ? undefined : parseNumber(from, '--from'),
      count: count === undefined ? undefined : parseCount(count, '-n'),
      ...{ records, format, output },
    })
  },
})

const repairFlags = {
  'dry-run': { type: 'boolean', help: 'say what would be done, and do nothing' },
  from: { type: 'string', value: 'BACKUP_DIR', help: 'bring damaged records back from this backup' },
  backup: {
    type: 'string',
    value: 'DIR',
    help: 'where files go before they are changed (default: DATA_DIR-repair-<time>)',
  },
} as const

export const repair: Command<typeof repairFlags> = command({
  name: 'log repair',
  summary:
    'Mends a data folder on which no broker runs: cuts torn writes, brings records back from a backup or sets damaged ranges aside, makes indexes again. Exit code 1: damage is left.',
  args: 'DATA_DIR',
  asksNoBroker: true,
  flags: repairFlags,
  examples: ['odradek log repair ./data --dry-run', 'odradek log repair ./data --from /backups/odradek'],
  async run(call) {
    const [named] = need(call, ['DATA_DIR'], repair)
    const { 'dry-run': dryRun = false, from, backup, output } = call.flags
    const folder = await openDataFolder(named!)
    if (folder.isLive)
      throw new UsageError(`A broker runs on ${named}: stop it first. odradek log verify works beside it.`)
    const unlock = await lockFolder(realDisk, folder.path)
    try {
      const time = new Date(realClock.now()).toISOString().replace(/[-:]|\.\d+/g, '')
      const aside = backup === undefined ? `${folder.path}-repair-${time}` : resolve(backup)
      const { steps, left } = await repairFolder({
        ...{ disk: realDisk, clock: realClock, folder: folder.path, aside, dryRun },
        ...{ topics: folder.topics, topicIdOf: folder.topicIdOf, from: from === undefined ? undefined : resolve(from) },
      })
      const done = dryRun ? 'would be done' : 'done'
      if (outputFormat(output) === 'table') {
        for (const { file, step } of steps) process.stdout.write(`${file}\n        ${step}\n`)
        for (const finding of left) process.stdout.write(`\n${findingText(finding, named!)}`)
        process.stdout.write(
          steps.length === 0
            ? 'nothing to do\n'
            : `${steps.length} steps ${done}${dryRun ? '' : `; what was changed is in ${aside}`}\n`,
        )
      } else printRows([...steps.map(({ file, step }) => ({ file, step, done: !dryRun }))], output)
      return left.length > 0 ? 1 : 0
    } finally {
      unlock()
    }
  },
})

const backupFlags = {
  copy: {
    type: 'boolean',
    help: 'copy sealed segments instead of linking them: a backup that does not share their bytes',
  },
} as const

export const backup: Command<typeof backupFlags> = command({
  name: 'log backup',
  summary:
    'Backs a data folder up, also beside a running broker: everything that was acknowledged before it began. Again into the same folder, it stores what is new.',
  args: 'DATA_DIR BACKUP_DIR',
  asksNoBroker: true,
  flags: backupFlags,
  examples: ['odradek log backup ./data /backups/odradek', 'odradek log backup ./data /mnt/other-disk/odradek --copy'],
  async run(call) {
    const [named, target] = need(call, ['DATA_DIR', 'BACKUP_DIR'], backup)
    const folder = await openDataFolder(named!)
    const into = resolve(target!)
    if (into === folder.path || into.startsWith(`${folder.path}/`))
      throw new UsageError(`${target} lies in the data folder: choose a folder outside of it.`)
    const progress = new Progress('backed up')
    const { manifest, linkedBytes, copiedBytes, keptBytes, isDamaged } = await backUpFolder({
      ...{ disk: realDisk, clock: realClock, folder: folder.path, backup: into, live: folder.isLive },
      ...{ copy: call.flags.copy ?? false, topics: folder.topics },
      besides: () => metadataOf(folder.path),
      onBytes: progress.note,
      say: remark => process.stderr.write(`odradek: ${remark}.\n`),
    })
    progress.end()
    printRows(
      [
        {
          backup: target!,
          number: manifest.number,
          partitions: manifest.partitions.length,
          linked: bytesText(linkedBytes),
          copied: bytesText(copiedBytes),
          kept: bytesText(keptBytes),
          started: manifest.startedAt,
        },
      ],
      call.flags.output,
    )
    return isDamaged ? 1 : 0
  },
})

/** Its checksummed copy alone: the broker makes metadata.db again from it. */
async function metadataOf(folder: string): Promise<{ name: string; bytes: Uint8Array }[]> {
  const { state } = await readMetadata(realDisk, folder)
  if (state !== 'whole' && state !== 'torn')
    throw new UsageError(
      `metadata.log in ${folder} is ${state}: start a broker on the folder, which makes it again, and repeat the backup.`,
    )
  return [{ name: metadataLogName, bytes: await readFile(join(folder, metadataLogName)) }]
}

export const restore: Command = command({
  name: 'log restore',
  summary:
    'Puts a backup into an empty data folder, comparing every byte with its checksum. The cluster id stays; leader epochs and producer ids go on far above those of the backup.',
  args: 'BACKUP_DIR DATA_DIR',
  asksNoBroker: true,
  examples: ['odradek log restore /backups/odradek ./data && odradek serve --data ./data'],
  async run(call) {
    const [source, target] = need(call, ['BACKUP_DIR', 'DATA_DIR'], restore)
    const progress = new Progress('restored')
    const manifest = await restoreFolder({
      ...{ disk: realDisk, clock: realClock, backup: resolve(source!), folder: resolve(target!) },
      amend: async (name, bytes) => (name === metadataLogName ? metadataForRestore(bytes) : bytes),
      onBytes: progress.note,
      say: remark => process.stderr.write(`odradek: ${remark}.\n`),
    })
    progress.end()
    const records = manifest.partitions.reduce(
      (sum, { nextOffset, logStartOffset }) => sum + nextOffset - logStartOffset,
      0,
    )
    printRows(
      [{ folder: target!, partitions: manifest.partitions.length, offsets: records, asOf: manifest.startedAt }],
      call.flags.output,
    )
    process.stderr.write(`${progress.text}\n`)
    return 0
  },
})

function parseNumber(text: string, flag: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} ${text} is not a whole number of at least 0.`)
  return Number(text)
}
