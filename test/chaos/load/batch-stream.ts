/** Batches on connections of their own, as fast as they are answered or at a rate, with the time that each took from when it was due. */
import { encodeBatch, Produce } from '@odradek/protocol'
import { type Address, realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { produceRequest } from '../../../packages/broker/src/testing/test-broker.ts'

const inFlight = 5

export class BatchStream implements Disposable {
  answered = 0
  refused = 0
  /** Milliseconds of each answer since `latencies` was emptied. */
  latencies: number[] = []
  readonly #clients: readonly RawClient[]
  readonly #topic: string
  readonly #partitions: number
  readonly #batch: Uint8Array
  #next = 0
  #isOver = false

  static async open(address: Address, topic: string, partitions: number, connections: number): Promise<BatchStream> {
    const clients = Array.from({ length: connections }, () => RawClient.connect(realWire, address))
    return new BatchStream(await Promise.all(clients), topic, partitions)
  }

  private constructor(clients: readonly RawClient[], topic: string, partitions: number) {
    this.#clients = clients
    this.#topic = topic
    this.#partitions = partitions
    this.#batch = encodeBatch(Array.from({ length: 50 }, (_, i) => ({ key: `key ${i}`, value: Buffer.alloc(200, i) })))
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    for (const client of this.#clients) client.close()
  }

  /** As many as are answered, for so long; in a second. */
  async fullSpeed(ms: number): Promise<number> {
    const until = performance.now() + ms
    const before = this.answered
    const lane = async (client: RawClient) => {
      while (performance.now() < until) await this.#send(client, performance.now())
    }
    await Promise.all(this.#clients.flatMap(client => Array.from({ length: inFlight }, () => lane(client))))
    return (1000 * (this.answered - before)) / ms
  }

  /** At a steady rate, until the signal; a batch that has to wait for its turn waits on its own time. */
  async steadily(perSecond: number, stop: AbortSignal): Promise<void> {
    const began = performance.now()
    let due = 0
    const turn = () => began + (1000 * due++) / perSecond
    const lane = async (client: RawClient) => {
      while (!stop.aborted && !this.#isOver) {
        const at = turn()
        const early = at - performance.now()
        if (early > 0) await new Promise(resolve => setTimeout(resolve, early))
        await this.#send(client, at)
      }
    }
    await Promise.all(this.#clients.flatMap(client => Array.from({ length: inFlight }, () => lane(client))))
  }

  async #send(client: RawClient, dueAt: number): Promise<void> {
    const partition = this.#next++ % this.#partitions
    const { responses } = await client.call(Produce, 9, produceRequest(this.#topic, this.#batch.slice(), { partition }))
    if (responses[0]!.partitionResponses[0]!.errorCode === 0) this.answered++
    else this.refused++
    this.latencies.push(performance.now() - dueAt)
  }
}
