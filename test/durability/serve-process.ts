import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const binary = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url))

/** How to start it: through other programs (`setpriv …`), with Node's own flags. */
export interface ServeOptions {
  readonly through?: readonly string[]
  readonly nodeFlags?: readonly string[]
  /** Another release's `bin/odradek.js`. */
  readonly program?: string
}

/** `odradek serve` as a process of its own, so that it can be killed. */
export class ServeProcess {
  readonly bootstrap: string
  /** Lines of its log. */
  readonly lines: string[]
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, bootstrap: string, lines: string[]) {
    this.#child = child
    this.bootstrap = bootstrap
    this.lines = lines
  }

  /** Resolves once it says that it is ready; rejects with what it said when it ends before. */
  static async start(args: readonly string[], options: ServeOptions = {}): Promise<ServeProcess> {
    const child = spawnServe(args, options)
    const lines: string[] = []
    createInterface(child.stderr!).on('line', line => lines.push(line))
    const ready = new Promise<string>((resolve, reject) => {
      createInterface(child.stdout!).on('line', line => {
        const match = /^odradek ready on (\S+)$/.exec(line)
        if (match) resolve(match[1]!)
      })
      child.on('close', code =>
        reject(new Error(`odradek serve ended with ${code} before it was ready: ${lines.join('\n')}`)),
      )
    })
    return new ServeProcess(child, await ready, lines)
  }

  /** A start that is killed some time on its way. */
  static async killedStarting(args: readonly string[], afterMs: number): Promise<void> {
    const child = spawnServe(args, {})
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
    await once(child, 'close')
    clearTimeout(timer)
  }

  /** A start that is meant to fail: its exit code and all that it said. One that does get ready is killed; its code is null. */
  static async refused(
    args: readonly string[],
    options: ServeOptions = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawnServe(args, options)
    const said = { stdout: '', stderr: '' }
    child.stderr!.on('data', chunk => (said.stderr += chunk))
    child.stdout!.on('data', chunk => {
      said.stdout += chunk
      child.kill('SIGKILL')
    })
    const [code] = await once(child, 'close')
    return { code, ...said }
  }

  get pid(): number {
    return this.#child.pid!
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get address(): { host: string; port: number } {
    const [host, port] = this.bootstrap.split(':')
    return { host: host!, port: Number(port) }
  }

  /** Bytes of memory that are its own and resident now (Linux). */
  get residentBytes(): number {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))![1])
  }

  /** The most it ever had resident. */
  get peakBytes(): number {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))![1])
  }

  /** Asks it to end in order, and kills it while it does, unless it is faster. */
  async killedEnding(afterMs: number): Promise<void> {
    const ended = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), afterMs)
    await ended
    clearTimeout(timer)
  }

  /** Sends a signal and waits for the end; the exit code, or null after a signal. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (!this.isAlive) return this.#child.exitCode
    const ended = once(this.#child, 'close')
    this.#child.kill(signal)
    const [code] = await ended
    return code
  }
}

function spawnServe(
  args: readonly string[],
  { through = [], nodeFlags = [], program = binary }: ServeOptions,
): ChildProcess {
  const [command, ...rest] = [...through, process.execPath, ...nodeFlags, program, 'serve', ...args]
  return spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A port that nobody has now, for a broker that comes back to the same one. */
export function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
