/** What runs of seeds add up to, and how it is told. */
import type { AnomalyName } from '../history/anomaly.ts'
import type { FaultName } from './plan.ts'
import type { FailureName } from './simulation.ts'

export interface SeedReport {
  seed: number
  profile: string
  cpuMs: number
  simulatedMs: number
  crashes: number
  starts: number
  faults: [FaultName, number][]
  acknowledged: number
  read: number
  refused: number
  diskOperations: number
  hash: string
  anomalies: AnomalyName[]
  failure?: FailureName
  /** What went wrong; empty when nothing did. */
  text: string
}

/** Everything that shows that something is wrong. */
export function signsOf({ anomalies, failure }: SeedReport): (AnomalyName | FailureName)[] {
  return failure === undefined ? anomalies : [...anomalies, failure]
}

type Sums = Record<
  'cpuMs' | 'simulatedMs' | 'crashes' | 'starts' | 'acknowledged' | 'read' | 'refused' | 'diskOperations',
  number
>

export class Totals {
  seeds = 0
  failed: SeedReport[] = []
  readonly #sums: Sums = {
    cpuMs: 0,
    simulatedMs: 0,
    crashes: 0,
    starts: 0,
    acknowledged: 0,
    read: 0,
    refused: 0,
    diskOperations: 0,
  }
  readonly #faults = new Map<FaultName, number>()
  readonly #profiles = new Map<string, number>()

  add(report: SeedReport): void {
    this.seeds++
    for (const name of Object.keys(this.#sums) as (keyof Sums)[]) this.#sums[name] += report[name]
    for (const [name, count] of report.faults) this.#faults.set(name, (this.#faults.get(name) ?? 0) + count)
    this.#profiles.set(report.profile, (this.#profiles.get(report.profile) ?? 0) + 1)
    if (report.text !== '') this.failed.push(report)
  }

  progress(): string {
    const { acknowledged, crashes, simulatedMs } = this.#sums
    return `${whole(this.seeds)} seeds, ${hours(simulatedMs)} simulated, ${whole(crashes)} crashes, ${whole(acknowledged)} records acknowledged, ${this.failed.length} seeds failed`
  }

  summary(): string {
    const { cpuMs, simulatedMs, crashes, starts, acknowledged, read, refused, diskOperations } = this.#sums
    const anomalies = new Map<string, number>()
    for (const name of this.failed.flatMap(signsOf)) anomalies.set(name, (anomalies.get(name) ?? 0) + 1)
    const rows = [
      ['seeds', `${whole(this.seeds)} (${counts(this.#profiles)})`],
      ['simulated', hours(simulatedMs)],
      ['broker', `${whole(starts)} starts, ${whole(crashes)} crashes, ${whole(diskOperations)} disk operations`],
      ['faults', counts(this.#faults)],
      [
        'records',
        `${whole(acknowledged)} acknowledged, ${whole(read)} read, ${whole(refused)} places refused as damaged`,
      ],
      ['anomalies', anomalies.size === 0 ? 'none' : counts(anomalies)],
      ['CPU', `${(cpuMs / 1000).toFixed(0)} s, ${(cpuMs / Math.max(1, this.seeds)).toFixed(0)} ms a seed`],
    ]
    return rows.map(([name, value]) => `  ${name!.padEnd(10)} ${value}`).join('\n')
  }
}

const whole = (count: number): string => count.toLocaleString('en')
const hours = (ms: number): string => `${(ms / 3_600_000).toFixed(1)} h`
const counts = (of: ReadonlyMap<string, number>): string =>
  [...of]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${whole(count)}`)
    .join(', ')
