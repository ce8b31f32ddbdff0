import { branch, type Predicate, passThrough } from '../processors/stateless.ts'
import { below, type NamedOptions, processorStep, type StreamFlow } from './flow.ts'

/** Predicates by the name of their branch, asked in this order. */
export type Branches<K, V> = Readonly<Record<string, Predicate<K, V>>>

export interface SplitOptions extends NamedOptions {
  /** Name of the branch of what no predicate wanted; without one, such records are dropped. */
  rest?: string
}

/**
 * A node that splits, and one for each branch: `KSTREAM-BRANCH-0000000001`, and `…1`, `…2`, …, `…0` for the rest, as Kafka Streams
 * numbers them; where the split has a name, the branches are called `<name><branch>`. Each branch uses up a number all the same.
 */
export function split<K, V>(
  flow: StreamFlow<K, V>,
  branches: Branches<K, V>,
  options: SplitOptions,
): Map<string, StreamFlow<K, V>> {
  const name = flow.building.names.node('KSTREAM-BRANCH-', options.name)
  const suffix = (branch: string, number: number) => (options.name === undefined ? String(number) : branch)
  const children = Object.entries(branches).map(([branch, predicate], i) => ({
    branch,
    child: flow.building.names.node('', `${name}${suffix(branch, i + 1)}`),
    predicate: predicate as Predicate<K, V> | undefined,
  }))
  const { rest } = options
  if (rest !== undefined)
    children.push({
      branch: rest,
      child: flow.building.names.node('', `${name}${suffix(rest, 0)}`),
      predicate: undefined,
    })
  const make = () => branch<K, V>(children.map(({ child, predicate }) => [child, predicate] as const))
  const { serdes, keyChanged } = flow
  const splitter = below(flow, processorStep(name, [flow.node.name], make), { serdes, keyChanged })
  return new Map(
    children.map(({ branch, child }) => [
      branch,
      below(splitter, processorStep(child, [name], passThrough), { serdes, keyChanged }),
    ]),
  )
}
