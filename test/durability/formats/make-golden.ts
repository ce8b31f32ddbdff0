/**
 * Makes the golden data folder of a release, with that release's own code:
 *
 *   git clone . ../odradek-0.1.0 && cd ../odradek-0.1.0 && git checkout <commit of the release> && npm ci && cd -
 *   node test/durability/formats/make-golden.ts 0.1.0 ../odradek-0.1.0
 *
 * Clients are of this checkout, the broker is the release's. Once made a folder is never made again: it is what that release left
 * on somebody's disk.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ServeProcess } from '../serve-process.ts'
import type { GoldenFolder, Manifest } from './golden.ts'
import { tear } from './golden-check.ts'
import { fill } from './golden-load.ts'

const [release, checkout] = process.argv.slice(2)
if (release === undefined || checkout === undefined)
  throw new Error('name a release and a checkout of it: make-golden.ts 0.1.0 ../odradek-0.1.0')
const target = join(fileURLToPath(new URL('.', import.meta.url)), release)
if (existsSync(target)) throw new Error(`${target} is there already`)
const program = join(resolve(checkout), 'packages/cli/bin/odradek.js')

const folders: Record<string, GoldenFolder> = {}
for (const name of ['clean', 'killed'] as const) {
  const folder = join(target, name)
  mkdirSync(folder, { recursive: true })
  // The coordinator's topic is small, so that the folder is.
  const settings = ['-c', 'offsets.topic.num.partitions=3', '-c', 'group.initial.rebalance.delay.ms=0']
  const args = ['--listen', '127.0.0.1:0', '--data', folder, ...settings]
  const broker = await ServeProcess.start(args, { program })
  const filled = await fill(broker)
  await broker.end(name === 'clean' ? 'SIGTERM' : 'SIGKILL')
  const torn = { topic: 'orders', partition: 0, bytes: 100 }
  if (name === 'killed') tear(join(lastSegment(join(folder, 'orders-0'))), torn.bytes)
  folders[name] = name === 'killed' ? { ...filled, torn } : filled
}
const manifest: Manifest = { release, folders }
writeFileSync(join(target, 'manifest.json'), `${JSON.stringify(manifest)}\n`)

function lastSegment(folder: string): string {
  const segments = readdirSync(folder).filter(name => name.endsWith('.log'))
  return join(folder, segments.sort().at(-1)!)
}
