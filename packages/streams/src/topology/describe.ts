import type { NodeSpec } from './node-spec.ts'
import type { Subtopology } from './topology.ts'

/** The text Kafka Streams' `TopologyDescription` prints, so that tools that draw it can read ours. */
export function describeTopology(subtopologies: readonly Subtopology[]): string {
  const parts = subtopologies.map(
    ({ id, nodes }) =>
      `  Sub-topology: ${id}\n${inPrintOrder(nodes)
        .map(node => describeNode(node, nodes))
        .join('')}\n`,
  )
  return `Topologies:\n ${parts.join('')}`
}

function describeNode(node: NodeSpec, all: readonly NodeSpec[]): string {
  const children = all
    .filter(other => other.kind !== 'source' && other.parents.includes(node.name))
    .map(other => other.name)
  const below = `      --> ${children.length > 0 ? children.sort().join(', ') : 'none'}\n`
  switch (node.kind) {
    case 'source':
      return `    Source: ${node.name} (topics: [${namesOf(node.topics)}])\n${below}`
    case 'processor':
      return `    Processor: ${node.name} (stores: [${namesOf(node.stores)}])\n${below}${above(node.parents)}`
    case 'sink':
      return `    Sink: ${node.name} (topic: ${node.topic.name})\n${above(node.parents)}`
  }
}

const namesOf = (items: readonly { name: string }[]) =>
  items
    .map(({ name }) => name)
    .sort()
    .join(', ')
const above = (parents: readonly string[]) => `      <-- ${parents.join(', ')}\n`

/** From the sources down: larger subtrees first, then by name. */
function inPrintOrder(nodes: readonly NodeSpec[]): NodeSpec[] {
  const sizes = new Map<string, number>()
  for (const node of [...nodes].reverse()) {
    const children = nodes.filter(other => other.kind !== 'source' && other.parents.includes(node.name))
    sizes.set(node.name, 1 + children.reduce((sum, child) => sum + (sizes.get(child.name) ?? 0), 0))
  }
  return [...nodes].sort((a, b) => sizes.get(b.name)! - sizes.get(a.name)! || (a.name < b.name ? -1 : 1))
}
