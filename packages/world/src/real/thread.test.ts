import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

const skip = process.platform !== 'linux' && 'threads have priorities of their own on Linux'

test('a thread lowers its own priority and nobody else’s', { skip }, async () => {
  const program = `
    const { readFileSync } = require('node:fs')
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(new URL('./thread.ts', import.meta.url).href)}).then(({ giveWay, lowerPriority }) => {
      lowerPriority()
      giveWay()
      parentPort.postMessage(Number(readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ')[16]))
    })`
  const before = os.getPriority()
  const thread = new Worker(program, { eval: true })
  const lowered = await new Promise<number>((resolve, reject) => thread.once('message', resolve).once('error', reject))
  await thread.terminate()
  assert.equal(lowered, Math.max(before, 5))
  assert.equal(os.getPriority(), before)
})
