import { DecodeError } from '../packages/protocol/src/errors.ts'
import { mutants } from '../packages/protocol/src/fuzz/mutants.ts'
import { Reader } from '../packages/protocol/src/reader.ts'

/**
 * Decodes damaged messages by the million and prints what became of them. Anything but a value or a DecodeError ends it with exit
 * code 1, with the seed and the bytes.
 *
 *     node scripts/fuzz-protocol.ts [count] [seed]
 */
const count = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)

let decoded = 0
let refused = 0
let largest = 0
let maxHeap = 0
let slowest = { ms: 0, name: '' }
const began = performance.now()

for (const { message, version, bytes } of mutants(seed, count)) {
  largest = Math.max(largest, bytes.length)
  const start = performance.now()
  try {
    message.read(new Reader(bytes), version)
    decoded++
  } catch (error) {
    if (!(error instanceof DecodeError)) {
      console.error(`seed ${seed}: ${message.name} v${version} ${Buffer.from(bytes).toString('hex')}`)
      throw error
    }
    refused++
  }
  const ms = performance.now() - start
  if (ms > slowest.ms) slowest = { ms, name: `${message.name} v${version}, ${bytes.length} bytes` }
  if ((decoded + refused) % 1000 === 0) maxHeap = Math.max(maxHeap, process.memoryUsage().heapUsed)
}

const seconds = (performance.now() - began) / 1000
console.log(`seed             ${seed}
mutants          ${count} in ${seconds.toFixed(1)} s
decoded          ${decoded}
refused          ${refused} (DecodeError)
other errors     0
largest mutant   ${largest} bytes
max heap         ${(maxHeap / 1e6).toFixed(1)} MB
slowest mutant   ${slowest.ms.toFixed(2)} ms (${slowest.name})`)
