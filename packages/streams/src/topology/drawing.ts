import type { NodeSpec, TopicRef } from './node-spec.ts'
import type { Subtopology } from './subtopology.ts'

/** A topology as boxes and arrows, for whatever draws them. */
export interface Drawing {
  readonly groups: readonly { readonly title: string; readonly boxes: readonly Box[] }[]
  /** Topics: they lie between groups. */
  readonly topics: readonly Box[]
  readonly arrows: readonly Arrow[]
}

export interface Box {
  /** Letters and digits, unlike every other. */
  readonly id: string
  readonly label: string
  readonly shape: 'source' | 'processor' | 'sink' | 'store' | 'topic'
}

export interface Arrow {
  readonly from: string
  readonly to: string
  /** 'uses': between a processor and its store. */
  readonly kind: 'flows' | 'uses'
}

export function drawingOf(subtopologies: readonly Subtopology[]): Drawing {
  const ids = new Ids()
  return {
    groups: subtopologies.map(subtopology => ({
      title: `${subtopology.global ? 'Global store' : 'Sub-topology'} ${subtopology.id}`,
      boxes: [
        ...subtopology.nodes.map(({ kind, name }) => ({ id: ids.of(kind, name), label: name, shape: kind })),
        ...subtopology.stores.map(({ name }) => ({ id: ids.of('store', name), label: name, shape: 'store' as const })),
      ],
    })),
    topics: [...new Set(subtopologies.flatMap(({ nodes }) => nodes.flatMap(topicsOf)))].map(label => ({
      id: ids.of('topic', label),
      label,
      shape: 'topic',
    })),
    arrows: subtopologies.flatMap(subtopology => subtopology.nodes.flatMap(node => arrowsOf(node, subtopology, ids))),
  }
}

function arrowsOf(node: NodeSpec, subtopology: Subtopology, ids: Ids): Arrow[] {
  const id = ids.of(node.kind, node.name)
  const topics = topicsOf(node).map(topic => ids.of('topic', topic))
  if (node.kind === 'source') return topics.map(topic => ({ from: topic, to: id, kind: 'flows' }))
  const kinds = new Map(subtopology.nodes.map(({ name, kind }) => [name, kind]))
  return [
    ...node.parents.map(parent => ({ from: ids.of(kinds.get(parent)!, parent), to: id, kind: 'flows' as const })),
    ...subtopology.storesOf(node.name).map(store => ({ from: id, to: ids.of('store', store), kind: 'uses' as const })),
    ...topics.map(topic => ({ from: id, to: topic, kind: 'flows' as const })),
  ]
}

/** What a source reads and a sink writes; of a topic chosen for each record nothing is known. */
function topicsOf(node: NodeSpec): string[] {
  const name = (topic: TopicRef) => topic.name
  switch (node.kind) {
    case 'source':
      return node.topics instanceof RegExp ? [String(node.topics)] : node.topics.map(name)
    case 'processor':
      return []
    case 'sink':
      return typeof node.topic === 'function' ? [] : [name(node.topic)]
  }
}

/** Names may have any characters and be used for a node, a store and a topic at once. */
class Ids {
  readonly #ids = new Map<string, string>()

  of(kind: string, name: string): string {
    const known = `${kind} ${name}`
    const id = this.#ids.get(known) ?? `${kind}${this.#ids.size}`
    this.#ids.set(known, id)
    return id
  }
}
