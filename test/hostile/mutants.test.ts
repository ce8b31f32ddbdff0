/**
 * Damaged requests of every API and version against a broker over TCP: what can be decoded is answered with something that can be
 * decoded too, what cannot ends its connection; nothing fails in a way nobody foresaw, and nobody else is disturbed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnyApi, ApiVersions, apis, DecodeError, decodeResponse } from '@odradek/protocol'
import fc from 'fast-check'
import { mutants } from '../../packages/protocol/src/fuzz/mutants.ts'
import { Reader } from '../../packages/protocol/src/reader.ts'
import { arbitraryValue } from '../../packages/protocol/src/testing/arbitrary-value.ts'
import { Writer } from '../../packages/protocol/src/writer.ts'
import { AttackLane } from './attack-lane.ts'
import { Target } from './target.ts'

const seed = Number(process.env.ODRADEK_SEED ?? Date.now() % 1_000_000)
const damagedCount = Number(process.env.ODRADEK_MUTANTS ?? 4_000)
/** Whole requests of random content, for each API and version. */
const wholePerVersion = 4
const lanes = 24
const mebibyte = 1024 * 1024

interface Attack {
  readonly api: AnyApi
  readonly version: number
  readonly body: Uint8Array
}

test(`mutants of every request end in an answer or a closed connection, and harm nobody (ODRADEK_SEED=${seed})`, async t => {
  const target = await Target.start(t)
  const served = await servedVersions(target)
  const attacks = [...wholeRequests(), ...damagedRequests(served)]
  const tally = { answered: 0, closed: 0, parked: 0 }
  const complaints: string[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      const lane = new AttackLane(target.broker.address)
      while (next < attacks.length) {
        const attack = attacks[next++]!
        const result = await outcome(lane, attack, served)
        if (typeof result === 'string') tally[result]++
        else complaints.push(result.complaint)
      }
      lane.reset()
    }),
  )
  await target.bystander.rounds(20)
  const unforeseen = target.broker.lines.filter(line => /nobody foresaw|could not be encoded|report/.test(line))
  assert.deepEqual(complaints.slice(0, 5), [])
  assert.deepEqual(unforeseen.slice(0, 5), [])
  assert.ok(tally.answered > 500 && tally.closed > 2_000, JSON.stringify(tally))
  const limit = (damagedCount > 20_000 ? 128 : 64) * mebibyte
  assert.ok(target.grownBytes < limit, `memory grew by ${Math.round(target.grownBytes / mebibyte)} MiB`)
  t.diagnostic(
    `${attacks.length} requests: ${JSON.stringify(tally)}; slowest round of the bystander ${Math.round(target.bystander.slowestMs)} ms; ` +
      `memory grew by ${Math.round(target.grownBytes / mebibyte)} MiB`,
  )
})

/** What becomes of one attack, or a complaint when it is neither answered nor refused as its bytes deserve. */
async function outcome(
  lane: AttackLane,
  { api, version, body }: Attack,
  served: ReadonlyMap<number, readonly [number, number]>,
): Promise<'answered' | 'closed' | 'parked' | { complaint: string }> {
  const name = `${api.name} v${version} ${Buffer.from(body).toString('hex').slice(0, 400)}`
  const isFlexible = api.request.isFlexible(version)
  const [min, max] = served.get(api.key) ?? [1, 0]
  const isReadable = version >= min && version <= max && decodes(api, version, body)
  if (isReadable && mayWait.has(api.name)) {
    await lane.sendAndEnd(api.key, version, isFlexible, body)
    return 'parked'
  }
  const answer = await lane.ask(api.key, version, isFlexible, body)
  if (answer === undefined) {
    return isReadable ? { complaint: `closed instead of answering ${name}` } : 'closed'
  }
  if (!isReadable) return { complaint: `answered what it cannot have read: ${name}` }
  decodeResponse(api, version, answer)
  return 'answered'
}

/** These are not always answered soon: long polls, rebalances, acks=0. */
const mayWait: ReadonlySet<string> = new Set(['Produce', 'Fetch', 'JoinGroup', 'SyncGroup'])

function decodes(api: AnyApi, version: number, body: Uint8Array): boolean {
  try {
    api.request.read(new Reader(body), version)
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}

async function servedVersions(target: Target): Promise<ReadonlyMap<number, readonly [number, number]>> {
  const client = await target.connect()
  const { apiKeys } = await client.call(ApiVersions, 0, {})
  const byKey = new Map(apis.map(api => [api.key, api]))
  // Produce says that it serves more than it does (KAFKA-18659).
  return new Map(
    apiKeys.map(({ apiKey, minVersion, maxVersion }) => {
      const lowest = byKey.get(apiKey)!.request.versions[0]
      return [apiKey, [Math.max(minVersion, lowest), maxVersion]] as const
    }),
  )
}

function* damagedRequests(served: ReadonlyMap<number, unknown>): Iterable<Attack> {
  const apiOf = new Map(apis.map(api => [api.request, api]))
  let left = damagedCount
  for (const { message, version, bytes } of mutants(seed, 10 * damagedCount, 2)) {
    const api = apiOf.get(message)
    if (api === undefined || !served.has(api.key)) continue
    yield { api, version, body: bytes }
    if (--left === 0) return
  }
}

function* wholeRequests(): Iterable<Attack> {
  for (const api of apis as readonly AnyApi[]) {
    for (let version = api.request.versions[0]; version <= api.request.versions[1]; version++) {
      const values = fc.sample(arbitraryValue(api.request.fields, version), { seed, numRuns: wholePerVersion })
      for (const value of values) {
        const writer = new Writer()
        api.request.write(writer, version, value as never)
        yield { api, version, body: Buffer.concat(writer.finish()) }
      }
    }
  }
}
