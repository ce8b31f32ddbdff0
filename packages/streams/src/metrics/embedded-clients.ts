/** What the consumer and the producer of an instance know of themselves, under the names of Kafka's clients. */
import type { EngineHealth, TopicPartition } from '@odradek/client'
import type { Metric } from './metric.ts'

export interface EmbeddedClients {
  readonly consumer: {
    health(): EngineHealth
    /** Undefined: not known yet. */
    lag(at: TopicPartition): number | undefined
  }
  readonly producer: {
    /** Records that were handed over, and those of them that could not be delivered. */
    readonly sent: number
    readonly failed: number
  }
}

export function embeddedMetrics({ consumer, producer }: EmbeddedClients): Metric[] {
  const { assignment, sinceLastPollMs } = consumer.health()
  const lags = assignment.flatMap(at => {
    const lag = consumer.lag(at)
    return lag === undefined ? [] : [{ at, lag }]
  })
  const metric = (group: string, name: string, value: number, tags: Metric['tags'] = {}): Metric => ({
    ...{ name, group, tags, value },
  })
  const fetching = 'consumer-fetch-manager-metrics'
  return [
    metric('consumer-coordinator-metrics', 'assigned-partitions', assignment.length),
    ...(sinceLastPollMs === null
      ? []
      : [metric('consumer-metrics', 'last-poll-seconds-ago', Math.floor(sinceLastPollMs / 1_000))]),
    ...(lags.length > 0 ? [metric(fetching, 'records-lag-max', Math.max(...lags.map(({ lag }) => lag)))] : []),
    ...lags.map(({ at: { topic, partition }, lag }) =>
      metric(fetching, 'records-lag', lag, { topic, partition: String(partition) }),
    ),
    metric('producer-metrics', 'record-send-total', producer.sent),
    metric('producer-metrics', 'record-error-total', producer.failed),
  ]
}
