/** A process that does jobs of applications, ours or Kafka Streams'. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Result {
  readonly seconds: number
  /** Of all threads of the process, in the same time. */
  readonly cpuSeconds: number
  readonly residentMegabytes: number
  /** Of ours, on Linux: the two parts of it. */
  readonly anonymousMegabytes: number
  readonly fileMegabytes: number
}

const usualLimitMs = 300_000
const stopTimeoutMs = 5_000

export class Peer {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  #said = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    child.stderr!.on('data', bytes => {
      this.#said = (this.#said + bytes).slice(-4_000)
    })
  }

  /** Resolves when it takes jobs. */
  static async start([program, ...args]: readonly [string, ...string[]]): Promise<Peer> {
    const peer = new Peer(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }))
    await peer.#until(line => line === 'ready')
    return peer
  }

  async run(job: Readonly<Record<string, string | number>>, limitMs = usualLimitMs): Promise<Result> {
    const pairs = Object.entries(job).map(([name, value]) => `${name}=${value}`)
    this.#child.stdin!.write(`${pairs.join(' ')}\n`)
    const line = await this.#until(line => /^(seconds|failed)=/.test(line), limitMs)
    if (line.startsWith('failed')) throw new Error(`${this.#child.spawnfile}: ${line}. It said:\n${this.#said}`)
    const figure = (name: string) => Number(new RegExp(`${name}=([\\d.E-]+)`).exec(line)?.[1])
    return {
      seconds: figure('seconds'),
      cpuSeconds: figure('cpuSeconds'),
      residentMegabytes: figure('residentMegabytes'),
      anonymousMegabytes: figure('anonymousMegabytes'),
      fileMegabytes: figure('fileMegabytes'),
    }
  }

  /** It ends when there are no more jobs. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    const hard = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs)
    this.#child.stdin!.end()
    await ended
    clearTimeout(hard)
  }

  async #until(wanted: (line: string) => boolean, limitMs = usualLimitMs): Promise<string> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs)
    try {
      for (;;) {
        const { value: line, done } = await this.#lines.next()
        if (done)
          throw new Error(`${this.#child.spawnfile} ended, or took more than ${limitMs} ms. It said:\n${this.#said}`)
        if (wanted(line)) return line
      }
    } finally {
      clearTimeout(timer)
    }
  }
}
