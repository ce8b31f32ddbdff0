/**
 * Circles among committed transactions.
 *
 *     write after write   b's record follows a's in a partition          a ─▶ b
 *     write, then read    b read a record that a wrote                    a ─▶ b
 *
 * A circle of reads is G1c: information went round. A circle of writes alone is G0, which Kafka allows: it orders no writers.
 */
import type { Anomaly } from './anomaly.ts'
import type { Recorded } from './recorded.ts'

type Graph = Map<string, Map<string, number>>

export function circles(history: Recorded): Anomaly[] {
  const reads: Graph = new Map()
  const writes: Graph = new Map()
  const transactionOf = (value: string): string | undefined => {
    const transaction = history.sends.get(value)?.event.transaction
    return transaction === undefined || history.aborted.has(transaction) ? undefined : transaction
  }
  history.events.forEach((event, at) => {
    if (event.kind !== 'poll' || event.transaction === undefined) return
    for (const { value } of event.records) link(reads, transactionOf(value), event.transaction, at)
  })
  for (const { first } of history.partitions.values()) {
    let before: string | undefined
    for (const [, { value, at }] of [...first].sort(([a], [b]) => a - b)) {
      const transaction = transactionOf(value)
      link(writes, before, transaction, at)
      before = transaction ?? before
    }
  }
  return [...circlesOf(reads, 'G1c', history), ...circlesOf(writes, 'G0', history)]
}

function link(graph: Graph, from: string | undefined, to: string | undefined, at: number): void {
  if (from === undefined || to === undefined || from === to) return
  const edges = graph.get(from) ?? new Map<string, number>()
  graph.set(from, edges)
  if (!edges.has(to)) edges.set(to, at)
}

/** One circle for each transaction that is on one and was not on another before. */
function circlesOf(graph: Graph, name: 'G1c' | 'G0', history: Recorded): Anomaly[] {
  const found: Anomaly[] = []
  const told = new Set<string>()
  for (const start of graph.keys()) {
    if (told.has(start)) continue
    const circle = wayBack(graph, start)
    if (circle === undefined) continue
    for (const transaction of circle) told.add(transaction)
    const events = circle.map((from, i) => graph.get(from)!.get(circle[i + 1] ?? start)!)
    found.push({ name, what: [...circle, start].join(' ─▶ '), events: history.show(...events) })
  }
  return found
}

/** The shortest way from a transaction to itself. */
function wayBack(graph: Graph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>()
  let edge = [start]
  while (edge.length > 0) {
    const next: string[] = []
    for (const from of edge) {
      for (const to of graph.get(from)?.keys() ?? []) {
        if (to === start) return path(cameFrom, from, start)
        if (cameFrom.has(to)) continue
        cameFrom.set(to, from)
        next.push(to)
      }
    }
    edge = next
  }
  return undefined
}

function path(cameFrom: Map<string, string>, last: string, start: string): string[] {
  const way = [last]
  while (way[0] !== start) way.unshift(cameFrom.get(way[0]!)!)
  return way
}
