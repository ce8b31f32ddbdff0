/**
 * What an item is given: its seed, how much of it is wanted, places that vanish afterwards, brokers that do not outlive it.
 *
 * An item runs in a process of its own, the leader of its process group; whoever started it kills the group when it has ended.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@odradek/world'
import { type ServeOptions, ServeProcess } from '../durability/serve-process.ts'

export interface ChaosOptions {
  readonly seed: number
  /** A few rounds instead of the promised number. */
  readonly isQuick: boolean
  readonly soakMinutes: number
}

export class Chaos implements AsyncDisposable {
  readonly options: ChaosOptions
  readonly random: SeededRandom
  readonly #stack = new AsyncDisposableStack()

  constructor(options: ChaosOptions) {
    this.options = options
    this.random = new SeededRandom(options.seed)
  }

  /** How often: a little, or as much as is promised. */
  count({ quick, full }: { quick: number; full: number }): number {
    return this.options.isQuick ? quick : full
  }

  /** A fresh folder, removed at the end. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-chaos-'))
    this.#stack.defer(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  /** `odradek serve` with the given arguments, killed at the end if it still runs. */
  async serve(args: readonly string[], options?: ServeOptions): Promise<ServeProcess> {
    const broker = await ServeProcess.start(args, options)
    this.#stack.defer(async () => void (await broker.end('SIGKILL')))
    return broker
  }

  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    return this.#stack.use(resource)
  }

  defer(end: () => void | Promise<void>): void {
    this.#stack.defer(end)
  }

  /** Says how far it is. */
  say(line: string): void {
    process.stderr.write(`    ${line}\n`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
