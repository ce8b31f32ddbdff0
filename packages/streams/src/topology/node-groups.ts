import type { NodeSpec } from './node-spec.ts'

/**
 * Parts of the graph that hang together, by a parent or by a store, in the order in which their first nodes were added (union-find over
 * insertion order: streams facts 2.49).
 */
export function groupNodes(
  nodes: readonly NodeSpec[],
  storesOf: (processor: string) => readonly string[],
): NodeSpec[][] {
  const leader = new Map<string, string>(nodes.map(node => [node.name, node.name]))
  const find = (name: string): string => {
    const above = leader.get(name)!
    if (above === name) return name
    const top = find(above)
    leader.set(name, top)
    return top
  }
  const ownerOfStore = new Map<string, string>()
  for (const node of nodes) {
    if (node.kind === 'source') continue
    for (const parent of node.parents) leader.set(find(node.name), find(parent))
    for (const store of storesOf(node.name)) {
      const owner = ownerOfStore.get(store) ?? node.name
      leader.set(find(node.name), find(owner))
      ownerOfStore.set(store, owner)
    }
  }
  const groups = new Map<string, NodeSpec[]>()
  for (const node of nodes) {
    const group = groups.get(find(node.name))
    if (group) group.push(node)
    else groups.set(find(node.name), [node])
  }
  return [...groups.values()]
}
