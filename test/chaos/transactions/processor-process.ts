/** A processor in a process of its own, so that it can be killed and stopped; what it tells becomes a history for `test/history`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Address } from '@odradek/world'
import type { HistoryEvent } from '../../history/history-event.ts'
import type { Chaos } from '../chaos.ts'
import type { Progress } from '../load/progress.ts'

const script = fileURLToPath(new URL('processor-main.ts', import.meta.url))

export interface ProcessorOptions {
  /** No other process has it, ever. */
  readonly name: string
  /** v1: transactions as they were before KIP-890. */
  readonly rules: 'v1' | 'v2'
  readonly proxy: Address
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly group: string
  readonly input: string
  readonly output: string
  readonly partitions: number
}

export type Told =
  | { readonly did: 'begin'; readonly transaction: string; readonly sends: readonly Planned[] }
  | { readonly did: 'commit'; readonly transaction: string; readonly offsets: readonly number[] }
  | { readonly did: 'abort'; readonly transaction: string; readonly why: string }
  | { readonly did: 'doubt'; readonly transaction: string }

export interface Planned {
  readonly value: string
  readonly partition: number
}

/** What all processors of a run did. */
export interface Ledger {
  readonly events: HistoryEvent[]
  readonly commits: Progress
  /** How often transactions were aborted, by reason. */
  readonly aborts: Map<string, number>
  doubts: number
}

export class ProcessorProcess {
  readonly options: ProcessorOptions
  readonly #child: ChildProcess
  readonly #ledger: Ledger
  #open: readonly Planned[] = []

  constructor(chaos: Chaos, options: ProcessorOptions, ledger: Ledger) {
    this.options = options
    this.#ledger = ledger
    this.#child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
    chaos.defer(() => void this.#child.kill('SIGKILL'))
    createInterface(this.#child.stdout!).on('line', line => this.#take(JSON.parse(line) as Told))
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  /** Resolves when it has ended, and all that it told is known. */
  async kill(): Promise<void> {
    if (!this.isAlive) return
    const closed = new Promise(resolve => this.#child.once('close', resolve))
    this.#child.kill('SIGKILL')
    await closed
  }

  #take(told: Told): void {
    const { events, commits, aborts } = this.#ledger
    const { name: process, output } = this.options
    const { transaction } = told
    const place = (partition: number) => `${output}/${partition}`
    if (told.did === 'begin') {
      this.#open = told.sends
      events.push({ kind: 'begin', process, transaction })
      for (const { value, partition } of told.sends)
        events.push({ kind: 'send', process, value, partition: place(partition), transaction })
    } else if (told.did === 'commit') {
      for (const [i, { value, partition }] of this.#open.entries())
        events.push({ kind: 'sent', value, partition: place(partition), offset: told.offsets[i]! })
      events.push({ kind: 'end-transaction', transaction, outcome: 'committed' })
      commits.add()
    } else if (told.did === 'abort') {
      events.push({ kind: 'end-transaction', transaction, outcome: 'aborted' })
      aborts.set(told.why, (aborts.get(told.why) ?? 0) + 1)
    } else {
      events.push({ kind: 'end-transaction', transaction, outcome: 'unknown' })
      this.#ledger.doubts++
    }
  }
}
