import type { Clock } from '@odradek/world'
import { StreamsError } from '../streams-error.ts'
import type { StreamTask } from '../task/stream-task.ts'

/**
 * What a task is doing, unless that takes longer than a callback may; then the error names the node and the record that it waits for.
 * The callback cannot be stopped: what it does later is nobody's. One timer for a turn of the task, which is short but for such a callback.
 */
export function withinTime(waiting: Promise<void>, task: StreamTask, clock: Clock, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = clock.timer(timeoutMs, () => reject(unsettled(task, timeoutMs)), { keepAlive: true })
  waiting.then(resolve, reject)
  return promise.finally(() => timer.cancel())
}

function unsettled(task: StreamTask, timeoutMs: number): StreamsError {
  const { node, place } = task.waitsFor ?? {}
  const where = place ? `the record at offset ${place.offset} of ${place.topic}-${place.partition}` : 'a punctuation'
  return new StreamsError(
    'TASK_TIMEOUT',
    `Node ${node} of task ${task.id} has not settled on ${where} within ${timeoutMs} ms. Give what it waits for a timeout of its own, or raise \`taskTimeoutMs\`.`,
    { taskId: task.id, node, ...place },
  )
}
