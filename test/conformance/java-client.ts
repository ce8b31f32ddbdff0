/**
 * Apache Kafka's own client, in a small Java program (`java/`): built once with Maven into the cache, run against a broker.
 * It prints a line a check: STATE, seconds, name and reason, with tabs between.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startBroker } from './broker-process.ts'
import { cacheFolder } from './cache.ts'
import type { Outcome, State } from './outcome.ts'

const run = promisify(execFile)
const project = fileURLToPath(new URL('java/', import.meta.url))

export interface JavaProgram {
  readonly classes: string
  /** kafka-clients and what it needs. */
  readonly libs: string
  readonly version: string
}

/** The reason, as a string, where it cannot be had here. */
export async function javaProgram(say: (line: string) => void): Promise<JavaProgram | string> {
  for (const [program, flag] of [
    ['java', '-version'],
    ['javac', '-version'],
    ['mvn', '-v'],
  ] as const) {
    const there = await run(program, [flag]).then(
      () => true,
      () => false,
    )
    if (!there) return `needs Java 17 and Maven: '${program}' is not installed`
  }
  const pom = join(project, 'pom.xml')
  const version = /<kafka.version>([^<]+)</.exec(await readFile(pom, 'utf8'))![1]!
  const folder = join(cacheFolder, `conformance-java-${version}`)
  const built = join(folder, 'built')
  const digest = await digestOf(project)
  if (!existsSync(built) || (await readFile(built, 'utf8')) !== digest) {
    say(`building the Java checks with kafka-clients ${version} in ${folder}`)
    try {
      await run('mvn', ['-B', '-q', '-f', pom, `-Dbuild.folder=${folder}`, 'package'], { maxBuffer: 1 << 24 })
    } catch (error) {
      return `the Java checks do not build here: ${firstError(error)}`
    }
    await writeFile(built, digest)
  }
  return { classes: join(folder, 'classes'), libs: join(folder, 'libs'), version }
}

/** Maven writes its complaints to stdout. */
function firstError(error: unknown): string {
  const { stdout = '' } = error as { stdout?: string }
  return /^\[ERROR\] (?!COMPILATION)(.+)$/m.exec(stdout)?.[1] ?? String(error).split('\n')[0]!
}

async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const path of files
    .filter(file => file.isFile())
    .map(file => join(file.parentPath, file.name))
    .sort())
    hash.update(path).update(await readFile(path))
  return hash.digest('hex')
}

export async function runJavaChecks(
  program: JavaProgram,
  named: string,
  done: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  await using broker = await startBroker({ settings: { 'group.share.min.record.lock.duration.ms': '1000' } })
  const java = ['-Xmx512m', '-cp', `${program.classes}:${join(program.libs, '*')}`, 'odradek.conformance.Main']
  const child = spawn('java', [...java, broker.bootstrap, named], { stdio: ['ignore', 'pipe', 'inherit'] })
  const outcomes: Outcome[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const [state, seconds, name, reason] = line.split('\t')
    if (name === undefined) continue
    const outcome = { name, state: state as State, seconds: Number(seconds), reason: settled(reason ?? '') }
    outcomes.push(outcome)
    done(outcome)
  }
  return outcomes
}

/** Without what differs from run to run. */
function settled(reason: string): string {
  return reason
    .replace(/[\w+/-]{22}(?= |$)/g, '…')
    .replace(/@[0-9a-f]{5,8}\b/g, '')
    .slice(0, 300)
}
