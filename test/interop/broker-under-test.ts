import type { TestContext } from 'node:test'
import { Broker } from '@odradek/broker'
import { realWorld } from '@odradek/world'

/** A broker on a free port, for one test: in memory, no waiting before a group's first rebalance. Closed when the test ends. */
export async function brokerUnderTest(t: TestContext, config: Record<string, string> = {}): Promise<Broker> {
  const broker = await Broker.start({
    world: realWorld(),
    listen: { host: '127.0.0.1', port: 0 },
    data: { memory: true },
    config: { 'group.initial.rebalance.delay.ms': '0', 'num.partitions': '4', ...config },
  })
  closing(t).defer(() => broker.close({ drain: false }))
  return broker
}

const stacks = new WeakMap<TestContext, AsyncDisposableStack>()

/** What a test has opened, closed when it ends, the last first: clients go before their broker. */
export function closing(t: TestContext): AsyncDisposableStack {
  const known = stacks.get(t)
  if (known) return known
  const stack = new AsyncDisposableStack()
  stacks.set(t, stack)
  t.after(() => stack.disposeAsync())
  return stack
}

/** Resolves with the first answer that is not undefined; asks again after each wake-up. Nothing here waits longer than it must. */
export class Waiter<T> {
  readonly seen: T[] = []
  #wake: (() => void)[] = []

  add(item: T): void {
    this.seen.push(item)
    for (const wake of this.#wake.splice(0)) wake()
  }

  async until(isEnough: (seen: readonly T[]) => boolean, what: string, limitMs = 20_000): Promise<T[]> {
    const limit = AbortSignal.timeout(limitMs)
    while (!isEnough(this.seen)) {
      if (limit.aborted)
        throw new Error(
          `${what} did not happen within ${limitMs} ms; seen so far: ${JSON.stringify(this.seen).slice(0, 2000)}`,
        )
      await new Promise<void>(resolve => {
        this.#wake.push(resolve)
        limit.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return [...this.seen]
  }
}
