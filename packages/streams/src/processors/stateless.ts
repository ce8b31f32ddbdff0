/** Steps that look at one record and keep nothing. Each waits only where a callback or something below waits. */
import { inTurn, isPromise, type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import type { Done, MaybePromise, StreamRecord } from '../record.ts'

export type Predicate<K, V> = (value: V, key: K) => MaybePromise<boolean>

type Step<K, V, KOut, VOut> = (record: StreamRecord<K, V>, context: ProcessorContext<KOut, VOut>) => Done

/** A processor that is one function. */
export function stepProcessor<K, V, KOut, VOut>(step: Step<K, V, KOut, VOut>): Processor<K, V, KOut, VOut> {
  let context: ProcessorContext<KOut, VOut>
  return {
    init: given => {
      context = given
    },
    process: record => step(record, context),
  }
}

/** Lets those pass for which the predicate is `wanted`. */
export const filter = <K, V>(predicate: Predicate<K, V>, wanted: boolean): Processor<K, V, K, V> =>
  stepProcessor((record, context) => {
    const answer = predicate(record.value, record.key)
    if (isPromise(answer)) return whenSettled(answer, found => (found === wanted ? context.forward(record) : undefined))
    if (answer === wanted) return context.forward(record)
  })

/** Key, timestamp and headers stay. */
export const mapValues = <K, V, W>(map: (value: V, key: K) => MaybePromise<W>): Processor<K, V, K, W> =>
  stepProcessor(({ key, value, timestamp, headers }, context) => {
    const answer = map(value, key)
    if (isPromise(answer))
      return whenSettled(answer, mapped => context.forward({ key, value: mapped, timestamp, headers }))
    return context.forward({ key, value: answer, timestamp, headers })
  })

export const map = <K, V, G, W>(map: (value: V, key: K) => MaybePromise<readonly [G, W]>): Processor<K, V, G, W> =>
  stepProcessor(({ key, value, timestamp, headers }, context) =>
    whenSettled(map(value, key), pair => context.forward({ key: pair[0], value: pair[1], timestamp, headers })),
  )

/** None, one or several; where they come one by one from something that waits, each is passed on before the next is asked for. */
export type Several<T> = MaybePromise<Iterable<T>> | AsyncIterable<T>

export const flatMap = <K, V, G, W>(map: (value: V, key: K) => Several<readonly [G, W]>): Processor<K, V, G, W> =>
  stepProcessor(({ key, value, timestamp, headers }, context) =>
    each(map(value, key), pair => context.forward({ key: pair[0], value: pair[1], timestamp, headers })),
  )

export const flatMapValues = <K, V, W>(map: (value: V, key: K) => Several<W>): Processor<K, V, K, W> =>
  stepProcessor(({ key, value, timestamp, headers }, context) =>
    each(map(value, key), next => context.forward({ key, value: next, timestamp, headers })),
  )

/** Looks, and passes the record on when the look is done. */
export const peek = <K, V>(look: (value: V, key: K) => MaybePromise<unknown>): Processor<K, V, K, V> =>
  stepProcessor((record, context) => {
    const answer = look(record.value, record.key)
    if (isPromise(answer)) return whenSettled(answer, () => context.forward(record))
    return context.forward(record)
  })

/** The end of a stream. */
export const foreach = <K, V>(take: (value: V, key: K) => MaybePromise<unknown>): Processor<K, V> =>
  stepProcessor(({ key, value }) => whenSettled(take(value, key), () => {}))

export const passThrough = (): Processor => stepProcessor((record, context) => context.forward(record))

/** To the child of the first predicate that is true, and no others are asked; to the last child where none is (streams facts 2.50). */
export function branch<K, V>(
  branches: readonly (readonly [child: string, Predicate<K, V> | undefined])[],
): Processor<K, V, K, V> {
  const choose = (record: StreamRecord<K, V>, context: ProcessorContext<K, V>, from: number): Done => {
    for (let i = from; i < branches.length; i++) {
      const [child, predicate] = branches[i]!
      const answer = predicate === undefined || predicate(record.value, record.key)
      if (isPromise(answer))
        return whenSettled(answer, found => (found ? context.forward(record, child) : choose(record, context, i + 1)))
      if (answer) return context.forward(record, child)
    }
  }
  return stepProcessor((record, context) => choose(record, context, 0))
}

function each<T>(items: Several<T>, take: (item: T) => Done): Done {
  if (isPromise(items)) return Promise.resolve(items).then(settled => each(settled, take))
  if (Symbol.asyncIterator in items) return eachAwaited(items, take)
  return inTurn(items[Symbol.iterator](), take)
}

async function eachAwaited<T>(items: AsyncIterable<T>, take: (item: T) => Done): Promise<void> {
  for await (const item of items) await take(item)
}
