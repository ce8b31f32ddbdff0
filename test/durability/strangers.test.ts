/** Files and folders that do not belong there, and others that should: whoever can start, starts, and everything that is whole is served. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkFolder } from './folder-check.ts'
import { brokerOn, onCopy, type WrittenFolder, writeFolder } from './written-folder.ts'

const written: WrittenFolder[] = []
before(async () => void written.push(await writeFolder('closed'), await writeFolder('killed')))
after(() => written.forEach(({ folder }) => void rmSync(folder, { recursive: true, force: true })))

const segment = '00000000000000000000'
const inOrders = (folder: string, name: string) => join(folder, 'orders-0', name)

const harms: Record<string, (folder: string) => void> = {
  'files nobody knows': folder => {
    for (const place of [folder, join(folder, 'orders-0')])
      for (const name of ['.DS_Store', 'notes.txt', 'metadata.db.bak', `${segment}.log.bak`, '9.log', '-1'])
        writeFileSync(join(place, name), 'whatever')
    mkdirSync(join(folder, 'lost+found'))
    mkdirSync(join(folder, 'strange-7'))
    mkdirSync(inOrders(folder, 'sub'))
  },
  'a file where a new topic would have its folder': folder => writeFileSync(join(folder, 'new-0'), ''),
  'a folder instead of the checkpoint': folder => {
    rmSync(join(folder, 'checkpoint'))
    mkdirSync(join(folder, 'checkpoint'))
  },
  'a checkpoint that is empty': folder => truncateSync(join(folder, 'checkpoint'), 0),
  'a checkpoint cut within its header': folder => truncateSync(join(folder, 'checkpoint'), 33),
  'no sidecars and no snapshots': folder => {
    for (const name of readdirSync(join(folder, 'orders-0')))
      if (/\.(index|snapshot)$/.test(name)) rmSync(inOrders(folder, name))
  },
  'empty sidecars and snapshots': folder => {
    for (const name of readdirSync(join(folder, 'orders-0')))
      if (/\.(index|snapshot)$/.test(name)) truncateSync(inOrders(folder, name), 0)
  },
  'a folder instead of a sidecar': folder => {
    const name = readdirSync(join(folder, 'orders-0')).find(each => each.endsWith('.index'))!
    rmSync(inOrders(folder, name))
    mkdirSync(inOrders(folder, name))
  },
  'no partition.metadata': folder => rmSync(inOrders(folder, 'partition.metadata')),
  'neither metadata.db nor checkpoint': folder => {
    for (const name of ['metadata.db', 'metadata.db-journal', 'checkpoint']) rmSync(join(folder, name), { force: true })
  },
  'the log of a rewriting that was cut short': folder => writeFileSync(join(folder, 'metadata.log.fresh'), 'half a li'),
  'a journal of the database that belongs to another one': folder =>
    writeFileSync(join(folder, 'metadata.db-journal'), Buffer.alloc(5000, 0xd9)),
}

for (const [what, harm] of Object.entries(harms)) {
  test(what, async () => {
    for (const { folder, truth, ending } of written) {
      await onCopy(folder, async copy => {
        harm(copy)
        const isCheckpointLost = /checkpoint/.test(what)
        const { problems } = await checkFolder(copy, isCheckpointLost ? withoutLogStart(truth) : truth)
        assert.deepEqual(problems, [], ending)
      })
    }
  })
}

test('a partition whose folder is a file stays offline, and the others are served', async () => {
  for (const { folder, truth } of written) {
    await onCopy(folder, async copy => {
      renameSync(join(copy, 'orders-0'), join(copy, 'kept'))
      writeFileSync(join(copy, 'orders-0'), '')
      const { problems } = await checkFolder(copy, {
        ...truth,
        partitions: truth.partitions.filter(({ topic, partition }) => topic !== 'orders' || partition !== 0),
      })
      assert.deepEqual(problems, [])
      assert.ok(existsSync(join(copy, 'kept', `${segment}.log`)))
    })
  }
})

test('what was found is said once: the next start is quiet', async () => {
  await onCopy(written[0]!.folder, async copy => {
    truncateSync(join(copy, 'metadata.log'), 100)
    truncateSync(join(copy, 'checkpoint'), 33)
    rmSync(inOrders(copy, 'partition.metadata'))
    for (const said of [true, false]) {
      const { broker, client, lines } = await brokerOn(copy)
      client.close()
      await broker.close()
      assert.equal(lines.length > 0, said, lines.join('\n'))
    }
  })
})

/** Only the checkpoint knows how far a segment was deleted. */
function withoutLogStart(truth: WrittenFolder['truth']): WrittenFolder['truth'] {
  return { ...truth, partitions: truth.partitions.map(each => ({ ...each, logStart: 0 })) }
}
