/** What keeps a broker from starting is said in one sentence, with exit code 2: the call or the machine must change, not the program. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { Broker } from '@odradek/broker'
import { crc32c } from '@odradek/protocol'
import { realWorld } from '@odradek/world'
import { closing } from '../interop/broker-under-test.ts'
import { type ServeOptions, ServeProcess } from './serve-process.ts'

test('a data folder in use is refused, and whoever uses it is not disturbed', async t => {
  const folder = freshFolder(t)
  const first = await serving(t, folder)
  await refused(['--data', folder], /in use by another broker: stop that one, or choose another folder/)
  assert.equal(await first.end('SIGTERM'), 0)
  const second = await serving(t, folder)
  assert.equal(await second.end('SIGTERM'), 0)
})

test('a data folder whose metadata is of a newer format is refused, and not changed', async t => {
  const folder = await usedFolder(t)
  const database = new DatabaseSync(join(folder, 'metadata.db'))
  database.exec('PRAGMA user_version = 99')
  database.close()
  const firstLine = JSON.stringify({ format: 99 })
  const checksum = crc32c(Buffer.from(firstLine)).toString(16).padStart(8, '0')
  writeFileSync(join(folder, 'metadata.log'), `${checksum} ${firstLine}\n`)
  const files = [join(folder, 'metadata.db'), join(folder, 'metadata.log')]
  const before = execFileSync('sha256sum', files, { encoding: 'utf8' })
  await refused(['--data', folder], /has format 99, and this version knows up to \d+: use the version/)
  assert.equal(execFileSync('sha256sum', files, { encoding: 'utf8' }), before)
})

test('a data folder whose checkpoint is of a newer format is refused', async t => {
  const folder = await usedFolder(t)
  const bytes = readFileSync(join(folder, 'checkpoint'))
  bytes[7] = 99
  bytes.writeUInt32BE(crc32c(bytes, 0, 60), 60)
  writeFileSync(join(folder, 'checkpoint'), bytes)
  await refused(['--data', folder], /log format 99, this program reads up to 2/)
})

test('a metadata.db that is no database is refused', async t => {
  const folder = freshFolder(t)
  writeFileSync(join(folder, 'metadata.db'), 'not a database, and long enough to look like one'.repeat(100))
  await refused(['--data', folder], /not a readable database: restore it, or choose another folder/)
})

test('a file is no data folder', async t => {
  const path = join(freshFolder(t), 'file')
  writeFileSync(path, '')
  await refused(['--data', path], /cannot be made/)
})

test('a data folder that may not be written is refused', async t => {
  if (process.getuid?.() !== 0) {
    const folder = freshFolder(t)
    chmodSync(folder, 0o500)
    return refused(['--data', folder], /not writable/)
  }
  const { status } = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, '--version'])
  if (status !== 0) return t.skip('root may write anywhere, and setpriv cannot make another user of us here')
  const through = ['setpriv', '--reuid=65534', '--clear-groups']
  const folder = await usedFolder(t)
  chmodSync(folder, 0o755)
  await refused(['--data', join(folder, 'missing')], /cannot be made/, { through })
  await refused(['--data', folder], /not writable/, { through })
  chownSync(folder, 65534, 65534)
  await refused(['--data', folder], /not writable/, { through })
})

test('a port that is taken is refused', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const folder = await usedFolder(t)
  await refused(['--data', folder], /Port \d+ on 127\.0\.0\.1 is taken: stop what listens there/, {}, port)
  server.close()
})

const wrongCalls: Record<string, [args: string[], says: RegExp]> = {
  'a setting nobody knows': [
    ['-c', 'num.partition=3'],
    /no broker setting num\.partition; did you mean num\.partitions\?/,
  ],
  'a setting out of range': [['-c', 'num.partitions=0'], /Invalid value 0 .* num\.partitions: write at least 1/],
  'a setting of topics': [['-c', 'retention.ms=5'], /is a setting of topics; the broker's default for it is called/],
  'a flag nobody knows': [['--dada', 'x'], /Unknown option '--dada'/],
  'an address of others': [['--listen', '0.0.0.0:0'], /odradek\.insecure\.network=true/],
}

test('a call that cannot be meant is refused with what to write instead', async t => {
  await Promise.all(
    Object.entries(wrongCalls).map(async ([name, [args, says]]) => {
      const given =
        args.includes('--memory') || args.length === 0 || args.includes('--data') ? args : ['--memory', ...args]
      await t.test(name, () => refused(given, says))
    }),
  )
})

/** Exactly one sentence on stderr, nothing on stdout, exit code 2. */
async function refused(args: readonly string[], says: RegExp, options: ServeOptions = {}, port = 0): Promise<void> {
  const listen = args.includes('--listen') ? [] : ['--listen', `127.0.0.1:${port}`]
  const { code, stdout, stderr } = await ServeProcess.refused([...listen, ...args], options)
  assert.match(stderr, says)
  assert.match(stderr, /^odradek: [^\n]+\n$/)
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
}

async function serving(t: TestContext, folder: string): Promise<ServeProcess> {
  const broker = await ServeProcess.start(['--listen', '127.0.0.1:0', '--data', folder])
  closing(t).defer(async () => void (await broker.end('SIGKILL')))
  return broker
}

/** One that a broker has used and closed. */
async function usedFolder(t: TestContext): Promise<string> {
  const folder = freshFolder(t)
  const broker = await Broker.start({ world: realWorld(), listen: { host: '127.0.0.1', port: 0 }, data: { folder } })
  await broker.close()
  return folder
}

function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-folder-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
