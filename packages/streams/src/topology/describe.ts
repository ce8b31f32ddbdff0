import type { NodeSpec, SourceSpec } from './node-spec.ts'
import type { Subtopology } from './topology.ts'

/** The text Kafka Streams' `TopologyDescription` prints, so that tools that draw it can read ours. */
export function describeTopology(subtopologies: readonly Subtopology[]): string {
  const parts = subtopologies.map(
    subtopology =>
      `  Sub-topology: ${subtopology.id}\n${inPrintOrder(subtopology.nodes)
        .map(node => describeNode(node, subtopology))
        .join('')}\n`,
  )
  return `Topologies:\n ${parts.join('')}`
}

function describeNode(node: NodeSpec, subtopology: Subtopology): string {
  const { nodes } = subtopology
  const children = nodes
    .filter(other => other.kind !== 'source' && other.parents.includes(node.name))
    .map(other => other.name)
  const below = `      --> ${children.length > 0 ? children.sort().join(', ') : 'none'}\n`
  switch (node.kind) {
    case 'source':
      return `    Source: ${node.name} (topics: ${topicsOf(node)})\n${below}`
    case 'processor':
      return `    Processor: ${node.name} (stores: [${subtopology.storesOf(node.name).sort().join(', ')}])\n${below}${above(node.parents)}`
    case 'sink':
      return `    Sink: ${node.name} (${typeof node.topic === 'function' ? `extractor class: ${node.topic.name || 'anonymous'}` : `topic: ${node.topic.name}`})\n${above(node.parents)}`
  }
}

const topicsOf = ({ topics }: SourceSpec): string =>
  topics instanceof RegExp
    ? topics.source
    : `[${topics
        .map(({ name }) => name)
        .sort()
        .join(', ')}]`
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
