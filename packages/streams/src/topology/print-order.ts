import { InsertionTree } from './insertion-tree.ts'
import type { NodeSpec } from './node-spec.ts'

/** A node with its neighbours, in the orders in which Kafka Streams prints them. */
export interface PrintedNode {
  readonly node: NodeSpec
  readonly above: InsertionTree<PrintedNode>
  readonly below: InsertionTree<PrintedNode>
  /** How many ways lead down from here, this node counted for each. */
  size: number
}

/**
 * From the sources down: what has more below it first, then by name. Neighbours are sorted by what was below them when they were
 * connected, and nodes are connected in the order of Java's hash table; both show in the text, so both are followed.
 */
export function inPrintOrder(nodes: readonly NodeSpec[]): PrintedNode[] {
  const printed = new Map<string, PrintedNode>(
    inHashOrder(nodes, ({ name }) => name).map(node => [
      node.name,
      { node, size: 1, above: new InsertionTree(largerFirst), below: new InsertionTree(largerFirst) },
    ]),
  )
  for (const child of printed.values()) {
    if (child.node.kind === 'source') continue
    for (const name of child.node.parents) {
      const parent = printed.get(name)!
      child.above.add(parent)
      parent.below.add(child)
      grow(parent, child.size)
    }
  }
  return [...printed.values()].sort(largerFirst)
}

const largerFirst = (one: PrintedNode, other: PrintedNode): number =>
  other.size - one.size || (one.node.name === other.node.name ? 0 : one.node.name < other.node.name ? -1 : 1)

function grow(at: PrintedNode, by: number): void {
  at.size += by
  for (const parent of at.above) grow(parent, by)
}

/** As a `java.util.HashMap` of their names walks: by bucket, and as they were added within one. */
export function inHashOrder<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  let buckets = 16
  while (items.length > buckets * 0.75) buckets *= 2
  const bucketOf = (item: T) => {
    const hash = javaHash(nameOf(item))
    return (hash ^ (hash >>> 16)) & (buckets - 1)
  }
  return [...items].sort((one, other) => bucketOf(one) - bucketOf(other))
}

function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}
