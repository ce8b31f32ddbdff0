import { UsageError } from '@odradek/client'
import type { Processor, ProcessorContext } from '../processor.ts'
import type { Done, StreamRecord } from '../record.ts'

/** Processors that a task has and has not closed. */
const inUse = new WeakSet<object>()

/**
 * A processor of the user's own, held to what operators do by themselves: what it forwards goes on in the order of its calls, and a record
 * is done, and may be committed, when all of that is; whether it awaits `forward` or not. Throws UsageError for one that another task has.
 */
export function userProcessor<K, V, KOut, VOut>(
  name: string,
  inner: Processor<K, V, KOut, VOut>,
  owner: object = inner,
): Processor<K, V, KOut, VOut> {
  if (inUse.has(owner))
    throw new UsageError(
      `The supplier of processor '${name}' answered one that another task has: make one for each, as in () => new Counter().`,
    )
  inUse.add(owner)
  const forwarding = new Forwarding<KOut, VOut>()
  return {
    init(context) {
      inner.init?.(forwarding.within(context))
    },
    process: record => forwarding.finish(record, take),
    close() {
      inUse.delete(owner)
      inner.close?.()
    },
  }
  function take(record: StreamRecord<K, V>): Done {
    return inner.process(record)
  }
}

/** What was forwarded and is not done, one after the other. */
class Forwarding<K, V> {
  /** The last of them; it fails when one before has failed. */
  #last: Promise<void> | undefined

  within(context: ProcessorContext<K, V>): ProcessorContext<K, V> {
    const forward: ProcessorContext<K, V>['forward'] = (record, child) => {
      mustHaveTime(record)
      if (this.#last) return this.#follow(this.#last.then(() => context.forward(record, child)))
      const waiting = context.forward(record, child)
      return waiting && this.#follow(waiting)
    }
    const schedule: ProcessorContext['schedule'] = (punctuation, punctuate) =>
      context.schedule(punctuation, timestamp => this.finish(timestamp, punctuate))
    return Object.create(context, { forward: { value: forward }, schedule: { value: schedule } })
  }

  /** Does something, and is done when what that has forwarded is. */
  finish<T>(given: T, act: (given: T) => Done): Done {
    let waiting: Done
    try {
      waiting = act(given)
    } catch (error) {
      if (!this.#last) throw error
      waiting = Promise.reject(error)
    }
    if (waiting || this.#last) return this.#settled(waiting)
  }

  async #settled(waiting: Done): Promise<void> {
    try {
      await waiting
    } finally {
      for (let last = this.#last; last; last = this.#last)
        await last.finally(() => {
          if (this.#last === last) this.#last = undefined
        })
    }
  }

  #follow(waiting: Promise<void>): Promise<void> {
    const last: Promise<void> = waiting.then(() => {
      if (this.#last === last) this.#last = undefined
    })
    last.catch(() => {}) // told when the record is finished
    this.#last = last
    return last
  }
}

function mustHaveTime({ timestamp }: StreamRecord<unknown, unknown>): void {
  if (!Number.isSafeInteger(timestamp) || timestamp < 0)
    throw new UsageError(
      `a record was forwarded with the timestamp ${timestamp}: write milliseconds since 1970, a whole number, 0 or more`,
    )
}
