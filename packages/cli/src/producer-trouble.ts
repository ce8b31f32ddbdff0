/** Says on stderr, once, that records are not taken for some seconds now: the producer goes on trying for two minutes. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ProducerTrouble } from '@odradek/client'
import { type Clock, realClock } from '@odradek/world'

const patienceMs = 3_000

export function tellingOfTrouble(
  clock: Pick<Clock, 'monotonic'> = realClock,
  say: (line: string) => void = line => void process.stderr.write(line),
): Disposable {
  let since: number | undefined
  let isTold = false
  const hear = (message: unknown) => {
    since ??= clock.monotonic()
    if (isTold || clock.monotonic() - since < patienceMs) return
    isTold = true
    const { topic, partition, error } = message as ProducerTrouble
    say(`${topic}-${partition} takes no records: ${error.message} (still trying)\n`)
  }
  subscribe('odradek:producer:trouble', hear)
  return { [Symbol.dispose]: () => void unsubscribe('odradek:producer:trouble', hear) }
}
