import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const binary = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url))

/** `odradek serve` as a process of its own, so that it can be killed. */
export class ServeProcess {
  readonly bootstrap: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, bootstrap: string) {
    this.#child = child
    this.bootstrap = bootstrap
  }

  /** Resolves once it says that it is ready; rejects with what it said when it ends before. */
  static async start(args: readonly string[]): Promise<ServeProcess> {
    const child = spawn(process.execPath, [binary, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr!.on('data', chunk => (said += chunk))
    const ready = new Promise<string>((resolve, reject) => {
      createInterface(child.stdout!).on('line', line => {
        const match = /^odradek ready on (\S+)$/.exec(line)
        if (match) resolve(match[1]!)
      })
      child.on('exit', code => reject(new Error(`odradek serve ended with ${code} before it was ready: ${said}`)))
    })
    return new ServeProcess(child, await ready)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Sends a signal and waits for the end; the exit code, or null after a signal. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    const [code] = await ended
    return code
  }
}
