import { UsageError } from '@odradek/client'
import { NodeNames } from '../topology/node-names.ts'
import { Topology } from '../topology/topology.ts'

/**
 * A step of the plan: what an operator declared. It is written into a topology when that is built, in the order of declaration, since
 * what comes later may change it: whether a table needs a store, whether a repartition keeps records without a key.
 */
export interface PlanNode {
  /** Of the node that children attach to. */
  readonly name: string
  readonly parents: readonly PlanNode[]
  readonly children: PlanNode[]
  /** A join that takes records without a key (KIP-962): repartition topics above keep them. */
  readonly takesNullKeys: boolean
  /** Changes keys: whoever looks down for `takesNullKeys` stops here. */
  readonly changesKey: boolean
  /** Of the windows whose results flow from here: how long after its end one may still change. */
  readonly windowGraceMs: number | undefined
  write(topology: Topology): void
}

export interface PlanStep {
  readonly name: string
  readonly parents: readonly PlanNode[]
  readonly takesNullKeys?: boolean
  readonly changesKey?: boolean
  readonly windowGraceMs?: number | undefined
  write(topology: Topology): void
}

/** What a builder has been told so far: the plan, and the counter that names its nodes. */
export class Building {
  readonly names = new NodeNames()
  readonly #plan: PlanNode[] = []

  add(step: PlanStep): PlanNode {
    const { name, parents, takesNullKeys = false, changesKey = false, windowGraceMs } = step
    if (this.#plan.some(node => node.name === name))
      throw new UsageError(`Two nodes are named '${name}'. Give one of them another name.`)
    const foreign = parents.find(parent => !this.#plan.includes(parent))
    if (foreign)
      throw new UsageError(
        `Node '${name}' is to follow '${foreign.name}' of another StreamsBuilder: make both streams with the same one.`,
      )
    const node: PlanNode = {
      name,
      parents,
      takesNullKeys,
      changesKey,
      windowGraceMs,
      children: [],
      write: topology => step.write(topology),
    }
    this.#plan.push(node)
    for (const parent of parents) parent.children.push(node)
    return node
  }

  build(): Topology {
    const topology = new Topology()
    for (const node of this.#plan) node.write(topology)
    return topology
  }
}
