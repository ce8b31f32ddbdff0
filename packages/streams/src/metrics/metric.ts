/** Metrics as they are told, under the names of Kafka Streams. */
import type { Reading } from './sensor.ts'

export interface Metric {
  readonly name: string
  /**
   * `stream-metrics`, `stream-thread-metrics`, `stream-task-metrics`, `stream-processor-node-metrics`, `stream-state-metrics`,
   * `stream-record-cache-metrics`; of the clients within `consumer-metrics`, `consumer-coordinator-metrics`,
   * `consumer-fetch-manager-metrics`, `producer-metrics`.
   */
  readonly group: string
  /** `task-id`, `processor-node-id`, `store`, `record-cache-id`, `topic`, `partition`, as far as they apply. */
  readonly tags: Readonly<Record<string, string>>
  readonly value: number | string
}

export type Aspect = 'avg' | 'max' | 'min' | 'rate' | 'ratio' | 'total'

/** `process-latency-avg`, `process-latency-max`, but `process-rate`, `process-total`. What has not been recorded is left out. */
export function metricsOf(
  place: Pick<Metric, 'group' | 'tags'>,
  { name, value = '', aspects }: { name: string; value?: string; aspects: readonly Aspect[] },
  reading: Reading,
): Metric[] {
  return aspects.flatMap(aspect => {
    const measured = reading[aspect]
    if (measured === undefined) return []
    const isOfValue = aspect === 'avg' || aspect === 'max' || aspect === 'min'
    return [{ ...place, name: `${name}${isOfValue ? value : ''}-${aspect}`, value: measured }]
  })
}
