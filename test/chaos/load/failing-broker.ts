/** A broker of which chosen system calls fail, in a fresh data folder, and the same folder afterwards with a system that works. */
import type { ServeProcess } from '../../durability/serve-process.ts'
import type { Chaos } from '../chaos.ts'
import { type FailingCall, failing } from './failing-calls.ts'

export class FailingBroker {
  readonly #chaos: Chaos
  readonly #args: readonly string[]
  /** Undefined: it did not start. */
  process: ServeProcess | undefined
  /** What it said when it did not start, if that is no answer: it must end with code 2 and say why. */
  crash: string | undefined

  static async start(chaos: Chaos, call: FailingCall): Promise<FailingBroker> {
    const broker = new FailingBroker(chaos, ['--listen', '127.0.0.1:0', '--data', chaos.folder(), ...settings])
    try {
      broker.process = await chaos.serve(broker.#args, failing(call))
    } catch (error) {
      const { message } = error as Error
      if (!/ended with 2 before it was ready: .*odradek: /s.test(message)) broker.crash = message
    }
    return broker
  }

  private constructor(chaos: Chaos, args: readonly string[]) {
    this.#chaos = chaos
    this.#args = args
  }

  get isAlive(): boolean {
    return this.process?.isAlive ?? false
  }

  /** Killed, and started without the faults. */
  async restart(): Promise<ServeProcess> {
    await this.process?.end('SIGKILL')
    return await this.#chaos.serve(this.#args)
  }
}

/** Small segments, so that rolling is met; few partitions of the coordinator, so that its first commit is cheap. */
const settings = ['-c', 'log.segment.bytes=20000', '-c', 'offsets.topic.num.partitions=2']
