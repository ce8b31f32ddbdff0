import assert from 'node:assert/strict'
import { type Command, parseCall } from '../command.ts'

export type Rows = Record<string, unknown>[]

/** What a command prints as JSON, run here. Rejects with what it fails with. */
export async function printed(definition: Command<any>, argv: readonly string[]): Promise<Rows> {
  const lines: string[] = []
  const write = process.stdout.write
  process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof write
  try {
    const call = parseCall(definition, [...argv, '-o', 'json'], new AbortController().signal)
    assert.equal(await definition.run(call), 0)
  } finally {
    process.stdout.write = write
  }
  return lines.length === 0 ? [] : JSON.parse(lines.join(''))
}
