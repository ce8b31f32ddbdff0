import { addTo } from '../../topic-partitions.ts'
import type { Assignments, AssignorSpec } from './assignor.ts'

/**
 * A balance among members who subscribe to different topics. Seen as a graph, an edge leads from a member to everyone who could take one
 * of its partitions. As long as a path leads from somebody to one who has at least two fewer, a partition moves along each of its edges,
 * which changes only the two ends; when there is no such path, no assignment is more even, and as little was moved as that takes.
 */
export class Balance {
  readonly #spec: AssignorSpec
  /** In the order of the members. */
  readonly #subscribers = new Map<string, string[]>()
  readonly #owned = new Map<string, Map<string, Set<number>>>()
  readonly #loads = new Map<string, number>()
  readonly #taken = new Map<string, Set<number>>()

  constructor(spec: AssignorSpec) {
    this.#spec = spec
    for (const [id, { topics }] of spec.members) {
      this.#owned.set(id, new Map())
      this.#loads.set(id, 0)
      for (const topicId of topics) {
        const list = this.#subscribers.get(topicId)
        if (list) list.push(id)
        else this.#subscribers.set(topicId, [id])
      }
    }
  }

  keep(id: string, topicId: string, partition: number): void {
    if (this.#taken.get(topicId)?.has(partition)) return
    this.#give(id, topicId, partition)
  }

  /** To whoever has the least; topics that few want come first. */
  assignRest(): void {
    const topics = [...this.#subscribers].sort(
      (one, other) => one[1].length - other[1].length || (one[0] < other[0] ? -1 : 1),
    )
    for (const [topicId, members] of topics) {
      for (let partition = 0; partition < this.#spec.partitionsOf(topicId); partition++) {
        if (this.#taken.get(topicId)?.has(partition)) continue
        let least = members[0]!
        for (const id of members) if (this.#load(id) < this.#load(least)) least = id
        this.#give(least, topicId, partition)
      }
    }
  }

  even(): void {
    for (;;) {
      const heaviestFirst = [...this.#loads.keys()].sort((one, other) => this.#load(other) - this.#load(one))
      const path = firstFound(heaviestFirst, id => this.#pathToLighter(id))
      if (path === null) return
      for (const { from, to, topicId } of path) this.#move(from, to, topicId)
    }
  }

  assignments(): Assignments {
    return this.#owned
  }

  /** The shortest path to somebody who has two partitions less, or none. */
  #pathToLighter(start: string): Edge[] | null {
    const cameBy = new Map<string, Edge | null>([[start, null]])
    const seen = new Set<string>()
    const queue = [start]
    for (const from of queue) {
      for (const topicId of this.#owned.get(from)!.keys()) {
        if (seen.has(topicId)) continue
        seen.add(topicId)
        for (const to of this.#subscribers.get(topicId)!) {
          if (cameBy.has(to)) continue
          cameBy.set(to, { from, to, topicId })
          if (this.#load(to) <= this.#load(start) - 2) return pathTo(to, cameBy)
          queue.push(to)
        }
      }
    }
    return null
  }

  #move(from: string, to: string, topicId: string): void {
    const partitions = this.#owned.get(from)!.get(topicId)!
    const partition = Math.max(...partitions)
    partitions.delete(partition)
    if (partitions.size === 0) this.#owned.get(from)!.delete(topicId)
    this.#loads.set(from, this.#load(from) - 1)
    this.#give(to, topicId, partition)
  }

  #give(id: string, topicId: string, partition: number): void {
    addTo(this.#owned.get(id)!, topicId, partition)
    addTo(this.#taken, topicId, partition)
    this.#loads.set(id, this.#load(id) + 1)
  }

  #load(id: string): number {
    return this.#loads.get(id)!
  }
}

interface Edge {
  readonly from: string
  readonly to: string
  readonly topicId: string
}

function pathTo(end: string, cameBy: ReadonlyMap<string, Edge | null>): Edge[] {
  const path: Edge[] = []
  for (let edge = cameBy.get(end); edge; edge = cameBy.get(edge.from)) path.unshift(edge)
  return path
}

function firstFound<T, R>(items: Iterable<T>, find: (item: T) => R | null): R | null {
  for (const item of items) {
    const found = find(item)
    if (found !== null) return found
  }
  return null
}
