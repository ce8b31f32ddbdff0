/** A broker that can be restarted, instances of the application, what was written for them, and what they made of it. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Kafka, serde, topic } from '@odradek/client'
import { type Response, StreamsGroupDescribe } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { freePort, ServeProcess } from '../../durability/serve-process.ts'
import { Instance } from './application.ts'

export type Group = Response<typeof StreamsGroupDescribe>['groups'][number]

const app = 'word-count'
const lines = topic('lines', { key: serde.string, value: serde.string })
const counts = topic('counts', { key: serde.string, value: serde.string })
const words = Array.from({ length: 50 }, (_, i) => `word${i}`)
const settings = ['session.timeout.ms=6000', 'heartbeat.interval.ms=1000', 'num.standby.replicas=1']

export class Scene {
  readonly instances: Instance[] = []
  /** How often each word was written. */
  readonly written = new Map<string, number>()
  readonly #classPath: string
  readonly #folder: string
  readonly #flags: readonly string[]
  readonly #kafka: Kafka
  #broker: ServeProcess

  static async start(classPath: string): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'java-streams-'))
    const flags = settings.flatMap(setting => ['-c', `group.streams.${setting}`])
    const where = ['--data', join(folder, 'data'), '--listen', `127.0.0.1:${await freePort()}`, ...flags]
    const scene = new Scene(classPath, folder, where, await ServeProcess.start(where))
    const { topics } = scene.#kafka.admin()
    await topics.create({ name: 'lines', partitions: 4 })
    await topics.create({ name: 'counts', partitions: 2 })
    return scene
  }

  private constructor(classPath: string, folder: string, flags: readonly string[], broker: ServeProcess) {
    this.#classPath = classPath
    this.#folder = folder
    this.#flags = flags
    this.#broker = broker
    this.#kafka = new Kafka({ brokers: broker.bootstrap })
  }

  /** One more, with two threads; one of the same name finds the state of the other. */
  instance(name: string): Instance {
    const o = { app, state: join(this.#folder, name), threads: 2, port: 7000 + this.instances.length }
    const instance = new Instance(this.#classPath, this.#broker.bootstrap, o)
    this.instances.push(instance)
    return instance
  }

  async restartBroker(): Promise<void> {
    await this.#broker.end('SIGTERM')
    this.#broker = await ServeProcess.start(this.#flags)
  }

  async write(from: number, to: number): Promise<void> {
    const producer = this.#kafka.producer()
    for (let at = from; at < to; at += 100) {
      const batch = Array.from({ length: 100 }, (_, i) => {
        const some = [words[(at + i) % 50]!, words[(at + i * 7) % 50]!, words[((at + i) * 13) % 50]!]
        for (const word of some) this.written.set(word, (this.written.get(word) ?? 0) + 1)
        return { key: `line${at + i}`, value: some.join(' ') }
      })
      await producer.sendAll(lines, batch)
      await wait(10)
    }
    await producer.close()
  }

  /** Whether all that was written is counted. More than that must never be. */
  async isCounted(): Promise<boolean> {
    const last = new Map<string, number>()
    const all = this.#kafka.read(counts, { from: 'earliest', until: 'end', isolation: 'read_committed' })
    for await (const { key, value } of all) last.set(key!, Number(value))
    for (const [word, count] of last) {
      const often = this.written.get(word) ?? 0
      assert.ok(count <= often, `${word} was counted ${count} times, and written ${often} times`)
    }
    return [...this.written].every(([word, count]) => last.get(word) === count)
  }

  /** The group, once the four threads of two instances have what they shall have. */
  async isShared(): Promise<Group | false> {
    const group = await this.described()
    return group.groupState === 'Stable' && group.members.length === 4 ? group : false
  }

  async described(): Promise<Group> {
    const client = await RawClient.connect(realWire, this.#broker.address)
    const { groups } = await client.call(StreamsGroupDescribe, 0, {
      groupIds: [app],
      includeAuthorizedOperations: false,
    })
    client.close()
    return groups[0]!
  }

  /** For whoever has to find out what went wrong. */
  tellAll(): void {
    for (const { lines: said, log } of this.instances) console.log(said.join('\n'), log.slice(-4000))
    console.log(this.#broker.lines.slice(-20).join('\n'))
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map(instance => instance.kill()))
    await this.#kafka.close()
    await this.#broker.end('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
