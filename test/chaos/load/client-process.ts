/** A client in a process of its own, so that it can be stopped: what it told last, and waiting for it to tell more. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Chaos } from '../chaos.ts'
import { Progress } from './progress.ts'

const script = fileURLToPath(new URL('client-main.ts', import.meta.url))

interface Told {
  did?: number
  memberId?: string
  generation?: number
  partitions?: number[]
}

export class ClientProcess {
  readonly #child: ChildProcess
  readonly #work = new Progress()
  readonly #told = new Progress()
  /** Of a member: who it is, and what it owns. */
  membership: { memberId: string; generation: number; partitions: readonly number[] } | undefined

  constructor(chaos: Chaos, role: 'member' | 'producer', bootstrap: string) {
    this.#child = spawn(process.execPath, [script, role, bootstrap], { stdio: ['ignore', 'pipe', 'inherit'] })
    chaos.defer(() => void this.#child.kill('SIGKILL'))
    createInterface(this.#child.stdout!).on('line', line => this.#take(JSON.parse(line) as Told))
  }

  /** Resolves when it has worked some more. */
  progress(): Promise<void> {
    return this.#work.more(2)
  }

  /** Resolves when what it owns is as asked. */
  async owns(isRight: (partitions: readonly number[]) => boolean): Promise<void> {
    while (!isRight(this.membership?.partitions ?? [])) await this.#told.more(1)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  #take({ did, memberId, generation, partitions }: Told): void {
    if (did !== undefined) this.#work.add()
    if (memberId !== undefined) this.membership = { memberId, generation: generation!, partitions: partitions! }
    this.#told.add()
  }
}
