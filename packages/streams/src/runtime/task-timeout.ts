import type { Clock } from '@odradek/world'
import { StreamsError } from '../streams-error.ts'
import type { Unsettled } from '../task/task-graph.ts'

/** How long something of the application's may take. */
export interface Patience {
  readonly clock: Clock
  readonly timeoutMs: number
}

/** The same, unless it takes longer; then the error. It cannot be stopped: what it does later is nobody's. */
export function settledWithin<T>(
  waiting: PromiseLike<T>,
  { clock, timeoutMs }: Patience,
  unsettled: () => StreamsError,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = clock.timer(timeoutMs, () => reject(unsettled()), { keepAlive: true })
  waiting.then(resolve, reject)
  return promise.finally(() => timer.cancel())
}

/** A task, or what fills a global store. */
export interface Waiting {
  readonly waitsFor: Unsettled | undefined
}

/**
 * What a task is doing, unless that takes longer than a callback may; then the error names the node and the record that it waits for.
 * One timer for a turn of the task, which is short but for such a callback.
 */
export function withinTime(waiting: Promise<void>, task: Waiting, clock: Clock, timeoutMs: number): Promise<void> {
  return settledWithin(waiting, { clock, timeoutMs }, () => unsettled(task, timeoutMs))
}

function unsettled(task: Waiting, timeoutMs: number): StreamsError {
  const { taskId, node, place } = task.waitsFor ?? {}
  const where = place ? `the record at offset ${place.offset} of ${place.topic}-${place.partition}` : 'a punctuation'
  return new StreamsError(
    'TASK_TIMEOUT',
    `Node ${node} of task ${taskId} has not settled on ${where} within ${timeoutMs} ms. Give what it waits for a timeout of its own, or raise \`taskTimeoutMs\`.`,
    { taskId, node, ...place },
  )
}
