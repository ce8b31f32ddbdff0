import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import * as streams from './index.ts'
import { play } from './testing/transcript.ts'

/** A program in the documents, the transcript below it, and the heading above. */
const example = /^#{2,4} ([^\n]+)\n(?:(?!^#)[\s\S])*?^```ts\n([\s\S]*?)^```\n+```text\n([\s\S]*?)^```/gm

const text = readFileSync(new URL('../../../docs/streams/operators.md', import.meta.url), 'utf8')

for (const [, title, program, transcript] of text.matchAll(example)) {
  test(`docs/streams/operators.md: ${title}`, async () => {
    const builder = new streams.StreamsBuilder()
    const names = { ...streams, serde, builder }
    const run = new Function(...Object.keys(names), stripTypeScriptTypes(program!))
    run(...Object.values(names))
    await play(builder.build(), transcript!)
  })
}

test('every example in the documents is one that runs', () => {
  const programs = text.match(/^```ts$/gm) ?? []
  assert.equal([...text.matchAll(example)].length, programs.length)
  assert.ok(programs.length > 0)
})
