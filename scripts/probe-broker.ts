import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import {
  type AnyApi,
  ApiVersions,
  apis,
  decodeResponse,
  encodeRequest,
  FrameSplitter,
} from '../packages/protocol/src/index.ts'
import { Reader } from '../packages/protocol/src/reader.ts'
import { arbitraryValue } from '../packages/protocol/src/testing/arbitrary-value.ts'

/**
 * Asks a broker everything: random requests of every API in every version it offers, each on a connection of its own. A broker
 * that understands them answers, if only with errors; each answer must decode to its last byte. Prints what was not answered so.
 * Meant for a broker without anything of value in it: random requests may create, change and delete.
 *
 *     node scripts/probe-broker.ts HOST:PORT [requests per version] [seed]
 */
const [address = '127.0.0.1:9092', perVersion = '5', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
const answerWithinMs = 4000
const header = { correlationId: 42, clientId: 'odradek-probe' }

interface Probe {
  readonly api: AnyApi
  readonly version: number
}

const failures = new Map<string, string>()
let answered = 0
for (const probe of await offeredProbes()) {
  const values = fc.sample(arbitraryValue(probe.api.request.fields, probe.version), {
    seed: Number(seed) + probe.version,
    numRuns: Number(perVersion),
  })
  for (const value of values) {
    const problem = await problemWith(probe, harmless(value))
    if (problem === null) answered++
    else failures.set(`${probe.api.name} v${probe.version}`, `${problem}: ${textOf(value)}`)
  }
}
console.log(`${answered} requests answered (seed ${seed})`)
for (const [where, problem] of failures) console.log(`${where} ${problem.slice(0, 500)}`)
process.exitCode = failures.size === 0 ? 0 : 1

async function offeredProbes(): Promise<Probe[]> {
  const software = { clientSoftwareName: 'odradek-probe', clientSoftwareVersion: '0.1' }
  const frame = await ask(encodeRequest(ApiVersions, 3, header, software))
  if (typeof frame === 'string') throw new Error(`${address} does not answer ApiVersions: ${frame}`)
  const offered = new Map(decodeResponse(ApiVersions, 3, frame).value.apiKeys.map(row => [row.apiKey, row]))
  return apis.flatMap(api => {
    const row = offered.get(api.key)
    if (row === undefined) return []
    const first = Math.max(api.versions[0], row.minVersion)
    const last = Math.min(api.versions[1], row.maxVersion)
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => ({ api, version: first + i }))
  })
}

async function problemWith({ api, version }: Probe, value: any): Promise<string | null> {
  const frame = await ask(encodeRequest(api, version, header, value))
  if (typeof frame === 'string') return frame
  try {
    const reader = new Reader(frame)
    const correlationId = reader.int32()
    if (correlationId !== header.correlationId) return `answered with correlation id ${correlationId}`
    if (api.response.isFlexible(version) && !api.plainResponseHeader) reader.skipTags()
    api.response.read(reader, version)
    return reader.remaining === 0 ? null : `left ${reader.remaining} bytes of the answer`
  } catch (error) {
    return `${String(error)} in ${Buffer.from(frame).toString('hex')}`
  }
}

/** One request, one answer: the frame, or why there is none. */
async function ask(chunks: readonly Uint8Array[]): Promise<Uint8Array | string> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host!)
  await once(socket, 'connect')
  const splitter = new FrameSplitter(1 << 27)
  socket.write(Buffer.concat(chunks))
  return new Promise(resolve => {
    const end = (outcome: Uint8Array | string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => end('was not answered'), answerWithinMs)
    socket.on('error', error => end(error.message))
    socket.on('close', () => end('closed the connection'))
    socket.on('data', chunk => {
      const [frame] = splitter.push(chunk)
      if (frame !== undefined) end(frame)
    })
  })
}

/** acks 0 has no answer, and long waits are not worth waiting for. */
function harmless(value: any): any {
  for (const name of Object.keys(value)) {
    if (name === 'acks') value[name] = 1
    if (/maxWaitMs|timeoutMs/i.test(name)) value[name] = 100
  }
  return value
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member) => {
    if (typeof member === 'bigint') return `${member}n`
    return member instanceof Uint8Array ? `<${member.length} bytes>` : member
  })
}
