/**
 * Examples of the documents as tests: a program, then what goes in and what must come out, line by line.
 *
 *     > plays   uk {"song":1}  @10          in: topic, key, value, timestamp (default: the one before, at first 0)
 *     < counts  uk 1           @10          out, in this order; timestamp and headers are compared where they are given
 *     wall clock +1000                      time passes
 *
 * Keys and values are JSON, or bare words; `-` is null. How they are read and written is what sources and sinks say. A key in a window
 * is `uk@[0,60000)`. Everything that comes out must be told.
 */
import assert from 'node:assert/strict'
import type { Serde } from '@odradek/client'
import { TopologyTestDriver } from '../test-driver/topology-test-driver.ts'
import type { Topology } from '../topology/topology.ts'

interface Line {
  readonly kind: '>' | '<'
  readonly topic: string
  readonly key: string
  readonly value: string
  readonly timestamp: number | undefined
}

export async function play(topology: Topology, transcript: string): Promise<void> {
  const driver = new TopologyTestDriver(topology)
  const { sources, sinks } = serdesByTopic(topology)
  const said: string[] = []
  let time = 0
  for (const text of transcript.split('\n').filter(line => line.trim() !== '')) {
    const pause = /^wall clock \+(\d+)$/.exec(text)
    if (pause) {
      await driver.advanceWallClock(Number(pause[1]))
      said.push(text, ...heard(driver, sinks, transcript))
      continue
    }
    const line = parse(text)
    if (line.kind === '<') continue
    const { topic, key, value } = line
    time = line.timestamp ?? time
    const serdes = sources.get(topic)
    assert.ok(serdes, `no source reads '${topic}'`)
    await driver.input(topic, serdes.key, serdes.value).pipe(read(key), read(value), time)
    said.push(text, ...heard(driver, sinks, transcript))
  }
  driver.close()
  assert.deepEqual(normal(said.join('\n')), normal(transcript))
}

interface Serdes {
  readonly key: Serde<any>
  readonly value: Serde<any>
}

function serdesByTopic(topology: Topology) {
  const sources = new Map<string, Serdes>()
  const sinks = new Map<string, Serdes>()
  for (const node of topology.nodes) {
    if (node.kind === 'source' && !(node.topics instanceof RegExp))
      for (const { name, internal } of node.topics) if (!internal) sources.set(name, node)
    if (node.kind === 'sink' && typeof node.topic !== 'function' && !node.topic.internal)
      sinks.set(node.topic.name, node)
  }
  return { sources, sinks }
}

/** What has come out since, in the order of the topics' names; with times if the transcript tells times of what comes out. */
function heard(driver: TopologyTestDriver, sinks: ReadonlyMap<string, Serdes>, transcript: string): string[] {
  const hasTimes = /^<.*@\d+\s*$/m.test(transcript)
  return driver.producedTopics
    .filter(topic => sinks.has(topic))
    .sort()
    .flatMap(topic => {
      const { key, value } = sinks.get(topic)!
      return driver
        .output(topic, key, value)
        .read()
        .map(record => `< ${topic} ${show(record.key)} ${show(record.value)}${hasTimes ? ` @${record.timestamp}` : ''}`)
    })
}

function parse(text: string): Line {
  const found = /^([<>]) (\S+)\s+(\S+)\s+(.*?)(?:\s+@(\d+))?\s*$/.exec(text)
  assert.ok(found, `not a line of a transcript: ${text}`)
  const [, kind, topic, key, value, time] = found
  return {
    kind: kind as '>' | '<',
    topic: topic!,
    key: key!,
    value: value!,
    timestamp: time === undefined ? undefined : Number(time),
  }
}

function read(text: string): unknown {
  if (text === '-') return null
  return /^[[{"\d-]|^(true|false)$/.test(text) ? JSON.parse(text) : text
}

function show(value: unknown): string {
  if (value === null) return '-'
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
  if (typeof value === 'object' && 'start' in value && 'end' in value && 'key' in value)
    return `${show(value.key)}@[${value.start},${value.end})`
  return JSON.stringify(value)
}

/** Spaces are for the reader's eye. */
const normal = (text: string): string[] =>
  text
    .split('\n')
    .map(line => line.trim().replace(/\s+/g, ' '))
    .filter(line => line !== '')
