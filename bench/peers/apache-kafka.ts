/**
 * A single-node Apache Kafka (KRaft) to compare with: its jars come from Maven Central by `pom.xml` beside this file, once.
 *
 * As a program: `node bench/peers/apache-kafka.ts [PORT]` runs one until it is told to stop.
 */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import kafkajs from 'kafkajs'

const run = promisify(execFile)

export interface ApacheKafka {
  bootstrap: string
  version: string
  pid: number
  /** From spawning the Java process to its first answer. */
  startMs: number
  stop(): Promise<void>
}

export interface ApacheKafkaOptions {
  /** A free one when absent. */
  port?: number
  startupTimeoutMs?: number
}

/** Null, with the reason printed, where Java or Maven are missing. */
export async function apacheKafka({
  port,
  startupTimeoutMs = 60_000,
}: ApacheKafkaOptions = {}): Promise<ApacheKafka | null> {
  if (!(await hasJavaAndMaven('Apache Kafka'))) return null
  const { libs, version } = await fetchJars({
    name: 'apache-kafka',
    pom: fileURLToPath(new URL('pom.xml', import.meta.url)),
  })
  const folder = await mkdtemp(join(tmpdir(), 'odradek-apache-kafka-'))
  const brokerPort = port ?? (await freePort())
  const settings = join(folder, 'server.properties')
  await writeFile(settings, properties(folder, brokerPort, await freePort()))
  const java = ['-Xms512m', '-Xmx512m', '-cp', join(libs, '*')]
  await run('java', [
    ...java,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    randomBytes(16).toString('base64url'),
    '-c',
    settings,
  ])
  const began = performance.now()
  const child = spawn('java', [...java, 'kafka.Kafka', settings], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', bytes => (said = (said + bytes).slice(-4_000)))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const bootstrap = `127.0.0.1:${brokerPort}`
  const ready = await answers(bootstrap, startupTimeoutMs, () => child.exitCode === null)
  if (ready) return { bootstrap, version, pid: child.pid!, startMs: performance.now() - began, stop }
  const why =
    child.exitCode === null
      ? `did not answer on ${bootstrap} within ${startupTimeoutMs} ms`
      : `ended with exit code ${child.exitCode}`
  await stop()
  throw new Error(`Apache Kafka ${version} ${why}. It said:\n${said}`)
}

/** Prints what is missing. */
export async function hasJavaAndMaven(what: string): Promise<boolean> {
  for (const [program, flag] of [
    ['java', '-version'],
    ['mvn', '-v'],
  ] as const) {
    if (await works(program, flag)) continue
    console.error(`no ${what} to compare with: '${program}' is not installed`)
    return false
  }
  return true
}

function works(program: string, flag: string): Promise<boolean> {
  return run(program, [flag]).then(
    () => true,
    () => false,
  )
}

/** Maven leaves half a folder when it fails; a copy of the list says that all its jars are there. */
export async function fetchJars({
  name,
  pom,
}: {
  name: string
  pom: string
}): Promise<{ libs: string; version: string }> {
  const list = await readFile(pom, 'utf8')
  const version = /<kafka.version>([^<]+)</.exec(list)![1]!
  const libs = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'odradek', `${name}-${version}`)
  const fetched = join(libs, 'fetched.xml')
  if (existsSync(fetched) && (await readFile(fetched, 'utf8')) === list) return { libs, version }
  console.error(`fetching the jars of ${name} ${version} with Maven, once`)
  await mkdir(libs, { recursive: true })
  await run('mvn', [
    '-B',
    '-q',
    '-f',
    pom,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${libs}`,
  ])
  await writeFile(fetched, list)
  return { libs, version }
}

function properties(folder: string, port: number, controllerPort: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
log.dirs=${join(folder, 'data')}
num.partitions=4
auto.create.topics.enable=true
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
`
}

async function answers(bootstrap: string, timeoutMs: number, alive: () => boolean): Promise<boolean> {
  const probe = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } })
  const deadline = performance.now() + timeoutMs
  while (alive() && performance.now() < deadline) {
    const admin = probe.admin()
    try {
      await admin.connect()
      if ((await admin.describeCluster()).brokers.length > 0) return true
    } catch {
      // Not yet.
    } finally {
      await admin.disconnect()
    }
    await sleep(100)
  }
  return false
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kafka = await apacheKafka(process.argv[2] === undefined ? {} : { port: Number(process.argv[2]) })
  if (kafka === null) process.exit(2)
  console.log(
    `Apache Kafka ${kafka.version} ready on ${kafka.bootstrap}, process ${kafka.pid}, after ${Math.round(kafka.startMs)} ms`,
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void kafka.stop().then(() => process.exit(0)))
  setInterval(() => {}, 2 ** 30)
}
