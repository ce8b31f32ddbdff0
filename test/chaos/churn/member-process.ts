/** Members in a process of their own, which can be killed and stopped with all of them; what they tell is put on one list. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Chaos } from '../chaos.ts'
import type { OwnershipEvent } from './ownership.ts'

const script = fileURLToPath(new URL('member-main.ts', import.meta.url))

export type MemberKind = 'range' | 'cooperative' | 'static' | 'consumer' | 'consumer-static'

export interface MemberOptions {
  /** No other process has it, ever. */
  readonly name: string
  readonly bootstrap: string
  readonly group: string
  readonly topic: string
  /** Slots take turns in them. */
  readonly kinds: readonly MemberKind[]
}

export type MemberOrder = { readonly join: number } | { readonly leave: number }

export type MemberTold =
  | OwnershipEvent
  | { readonly kind: 'joins'; readonly member: string }
  | { readonly kind: 'processed'; readonly partition: number; readonly from: number; readonly to: number }
  | { readonly kind: 'failed'; readonly member: string; readonly why: string }

/** What all members of a run told. */
export interface ChurnLedger {
  readonly ownership: OwnershipEvent[]
  /** By partition. */
  readonly processed: Map<number, { from: number; to: number }[]>
  readonly failures: string[]
  joins: number
}

export const now = () => Number(process.hrtime.bigint() / 1000n) / 1000

export class MemberProcess {
  /** Members that were told to join, and not to leave. */
  readonly slots = new Set<number>()
  readonly #child: ChildProcess
  readonly #ledger: ChurnLedger
  readonly #members = new Set<string>()

  constructor(chaos: Chaos, options: MemberOptions, ledger: ChurnLedger) {
    this.#ledger = ledger
    this.#child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdin!.on('error', () => {}) // it was killed
    chaos.defer(() => void this.#child.kill('SIGKILL'))
    createInterface(this.#child.stdout!).on('line', line => this.#take(JSON.parse(line) as MemberTold))
  }

  join(slot: number): void {
    this.slots.add(slot)
    this.#order({ join: slot })
  }

  leave(slot: number): void {
    this.slots.delete(slot)
    this.#order({ leave: slot })
  }

  /** Resolves when it has ended, and all that it told is known. */
  async kill(): Promise<void> {
    const closed = new Promise(resolve => this.#child.once('close', resolve))
    this.#ended()
    this.#child.kill('SIGKILL')
    await closed
    this.#ended()
  }

  /** For longer than a session. */
  async standStill(ms: number): Promise<void> {
    this.#ended()
    this.#child.kill('SIGSTOP')
    this.#ended()
    await new Promise(resolve => setTimeout(resolve, ms))
    this.#child.kill('SIGCONT')
  }

  /** Said before and after: it may have noted something until the signal came. */
  #ended(): void {
    const at = now()
    for (const member of this.#members) this.#ledger.ownership.push({ kind: 'ended', at, member })
  }

  #order(order: MemberOrder): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
  }

  #take(told: MemberTold): void {
    const { ownership, processed, failures } = this.#ledger
    if (told.kind === 'joins') {
      this.#members.add(told.member)
      this.#ledger.joins++
    } else if (told.kind === 'processed') {
      const ranges = processed.get(told.partition) ?? []
      processed.set(told.partition, ranges)
      ranges.push(told)
    } else if (told.kind === 'failed') failures.push(`${told.member}: ${told.why}`)
    else {
      if (told.kind === 'ended') this.#members.delete(told.member)
      ownership.push(told)
    }
  }
}
