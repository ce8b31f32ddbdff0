import type { SinkSpec, SourceSpec } from './node-spec.ts'
import { inHashOrder, inPrintOrder, type PrintedNode } from './print-order.ts'
import type { Subtopology } from './subtopology.ts'

/** The text Kafka Streams' `TopologyDescription` prints, so that tools that draw it can read ours. */
export function describeTopology(subtopologies: readonly Subtopology[]): string {
  return `Topologies:\n ${subtopologies.map(describeSubtopology).join('')}`
}

function describeSubtopology(subtopology: Subtopology): string {
  const nodes = inPrintOrder(subtopology.nodes).map(node => describeNode(node, subtopology))
  if (subtopology.global)
    return `  Sub-topology: ${subtopology.id} for global store (will not generate tasks)\n${nodes.join('')}`
  return `  Sub-topology: ${subtopology.id}\n${nodes.join('')}\n`
}

function describeNode({ node, above, below }: PrintedNode, subtopology: Subtopology): string {
  const down = `      --> ${namesOf(below) || 'none'}\n`
  const up = `      <-- ${namesOf(above)}\n`
  switch (node.kind) {
    case 'source':
      return `    Source: ${node.name} (topics: ${readBy(node)})\n${down}`
    case 'processor': {
      const stores = inHashOrder(subtopology.storesOf(node.name), name => name).join(', ')
      return `    Processor: ${node.name} (stores: [${stores}])\n${down}${up}`
    }
    case 'sink':
      return `    Sink: ${node.name} (${writtenBy(node)})\n${up}`
  }
}

const namesOf = (nodes: Iterable<PrintedNode>): string => Array.from(nodes, ({ node }) => node.name).join(', ')

/** Topics as they are shown: `[a, b]`, or the expression. */
export function readBy({ topics }: SourceSpec): string {
  if (topics instanceof RegExp) return topics.source
  const names = topics.map(({ name }) => name).sort()
  return `[${names.join(', ')}]`
}

export const writtenBy = ({ topic }: SinkSpec): string =>
  typeof topic === 'function' ? `extractor class: ${topic.name || 'anonymous'}` : `topic: ${topic.name}`
