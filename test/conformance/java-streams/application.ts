/** The Java application: built once with Maven into the cache, started as often as wanted. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder } from '../cache.ts'

const run = promisify(execFile)
const project = fileURLToPath(new URL('.', import.meta.url))

/** The class path; or, in words, why it cannot be had here. */
export async function builtApplication(): Promise<{ readonly classPath: string } | string> {
  for (const [program, flag] of [
    ['java', '-version'],
    ['javac', '-version'],
    ['mvn', '-v'],
  ] as const) {
    const isThere = await run(program, [flag]).then(
      () => true,
      () => false,
    )
    if (!isThere) return `needs Java 17 and Maven: '${program}' is not installed`
  }
  const pom = join(project, 'pom.xml')
  const text = await readFile(pom, 'utf8')
  const source = await readFile(join(project, 'src/main/java/odradek/streams/WordCount.java'), 'utf8')
  const folder = join(cacheFolder, `java-streams-${/<kafka.version>([^<]+)</.exec(text)![1]}`)
  const built = join(folder, 'built')
  if (!existsSync(built) || (await readFile(built, 'utf8')) !== text + source) {
    try {
      await run('mvn', ['-B', '-q', '-f', pom, `-Dbuild.folder=${folder}`, 'package'], { maxBuffer: 1 << 24 })
    } catch (error) {
      const { stdout = String(error) } = error as { stdout?: string }
      return `the application does not build here: ${/^\[ERROR\] (.+)$/m.exec(stdout)?.[1] ?? stdout.slice(0, 200)}`
    }
    await writeFile(built, text + source)
  }
  return { classPath: `${join(folder, 'classes')}:${join(folder, 'libs', '*')}` }
}

/** One instance: a process with threads of its own. */
export class Instance {
  readonly lines: string[] = []
  /** The end of its log. */
  log = ''
  readonly #child: ChildProcess

  constructor(classPath: string, bootstrap: string, o: { app: string; state: string; threads: number; port: number }) {
    const settings = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
    const program = ['-cp', classPath, 'odradek.streams.WordCount']
    this.#child = spawn('java', [...settings, ...program, bootstrap, o.app, o.state, String(o.threads), String(o.port)])
    createInterface(this.#child.stdout!).on('line', line => this.lines.push(line))
    this.#child.stderr!.on('data', bytes => {
      this.log = (this.log + bytes).slice(-20_000)
    })
  }

  /** Has it say who has which partitions. */
  ask(): void {
    this.#child.stdin!.write('\n')
  }

  get #isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async stop(): Promise<void> {
    if (this.#isGone) return
    this.#child.stdin!.end()
    await once(this.#child, 'exit')
  }

  async kill(): Promise<void> {
    if (this.#isGone) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
