import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Topology } from '../topology/topology.ts'

/**
 * Compares what topologies say of themselves with what Kafka Streams 4.3.1 prints for the same programs: a file of `=== title`, the
 * text, `===`. Every text needs its program, and every program its text.
 */
export function describedAsByKafka(texts: URL, programs: Readonly<Record<string, () => Topology>>): void {
  const printedByKafka = new Map(
    Array.from(readFileSync(texts, 'utf8').matchAll(/^=== (.+)\n([\s\S]*?)^===$/gm), ([, title, text]) => [
      title!,
      text!,
    ]),
  )
  test('every program that Kafka Streams has described is written here too', () => {
    assert.deepEqual(Object.keys(programs).sort(), [...printedByKafka.keys()].sort())
  })
  for (const [title, write] of Object.entries(programs))
    test(`a topology describes itself as Kafka Streams does: ${title}`, () => {
      assert.equal(write().describe(), printedByKafka.get(title))
    })
}
