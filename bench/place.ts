import { apacheKafka } from './peers/apache-kafka.ts'
import { odradekBroker } from './peers/odradek.ts'
import type { Place, RunningBroker } from './row.ts'

/** The brokers of one run, shared by its families. */
export function benchPlace({
  withApache,
  say,
}: {
  withApache: boolean
  say: (what: string) => void
}): Place & AsyncDisposable {
  let odradek: Promise<RunningBroker> | undefined
  let apache: Promise<RunningBroker | null> | undefined
  return {
    say,
    withApache,
    odradek: () => (odradek ??= odradekBroker()),
    apache: () => (apache ??= withApache ? apacheBroker() : Promise.resolve(null)),
    async [Symbol.asyncDispose]() {
      for (const broker of await Promise.allSettled([odradek, apache]))
        if (broker.status === 'fulfilled') await broker.value?.stop()
    },
  }
}

export async function apacheBroker(): Promise<RunningBroker | null> {
  const kafka = await apacheKafka()
  return kafka && { ...kafka, name: 'Apache Kafka' }
}
