/** What the applications read: the same records for everybody, made once a run. */
import { Kafka, serde, topic } from '@odradek/client'
import { type Order, orders } from './keys.ts'

export interface Input {
  readonly topics: readonly string[]
  /** Records that the application counts. */
  readonly expected: number
}

interface Entry {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

export const partitions = 4
const keys = 10_000
const wordsOfLine = 10
/** Long ago: topics keep their records whatever their age. */
const epoch = 1_700_000_000_000
const handedAtOnce = 5_000

const keyOf = (n: number): string => `key-${String(n).padStart(8, '0')}`
/** A value of 100 bytes. */
const valueAt = (i: number): string => `value-${i}-`.padEnd(100, 'x')
/** Every key once, in an order that no store likes, before the first comes again. */
const keyAt = (i: number, keys: number): string => keyOf((i * 7_919) % keys)
/** Few words often and many seldom, as in a language. */
const wordAt = (i: number): string => `word${Math.floor(keys ** (((i * 104_729) % 65_521) / 65_521))}`

const entryOf: Readonly<Record<string, (i: number) => Entry>> = {
  values: i => ({ key: keyAt(i, keys), value: valueAt(i), timestamp: epoch + i }),
  lines: i => ({
    key: keyAt(i, keys),
    value: Array.from({ length: wordsOfLine }, (_, n) => wordAt(i * wordsOfLine + n)).join(' '),
    timestamp: epoch + i,
  }),
  pairs: i => ({ key: keyAt(i, 1_000_003), value: valueAt(i).slice(0, 20), timestamp: epoch + i }),
  rows: i => ({ key: keyAt(i, keys), value: valueAt(i).slice(0, 20), timestamp: epoch + i }),
}

export class Inputs {
  readonly #kafka: Kafka
  readonly #made = new Map<string, Promise<void>>()
  readonly #run = `${process.pid}-${Date.now().toString(36)}`

  constructor(bootstrap: string) {
    this.#kafka = new Kafka({ brokers: bootstrap })
  }

  values = (count: number): Promise<Input> => this.#input('values', ['values'], count, count)
  lines = (count: number): Promise<Input> => this.#input('lines', ['lines'], count, count * wordsOfLine)
  pairs = (count: number): Promise<Input> => this.#input('pairs', ['left', 'right'], count, count * 2)
  rows = (count: number): Promise<Input> => this.#input('rows', ['left', 'right'], count, count * 2)

  /** Each a key of 100,000, few of them often. */
  words = (count: number): Promise<Input> => {
    const entryAt = (i: number): Entry => ({
      key: `word${orders['by Zipf'](i, 100_000)}`,
      value: '',
      timestamp: epoch + i,
    })
    return this.#input('words', ['words'], count, count, entryAt)
  }

  /** Of a table with so many keys, as `changelog` makes it: changes to some of them. */
  changes = (order: Order, count: number, tableKeys: number): Promise<Input> => {
    const keyAt = orders[order]
    const entryAt = (i: number) => ({ key: keyOf(keyAt(i, tableKeys)), value: valueAt(i), timestamp: epoch + i })
    return this.#input(`changes-${order.replaceAll(' ', '-')}`, ['table'], count, count, entryAt)
  }

  async topic(name: string, configs: Record<string, string> = {}): Promise<void> {
    await this.#kafka.admin().topics.create({ name, partitions, config: configs })
  }

  async remove(names: readonly string[]): Promise<void> {
    await this.#kafka.admin().topics.delete([...names])
  }

  /** Of a table with `count` keys, to be restored from. */
  async changelog(name: string, count: number): Promise<void> {
    await this.topic(name, { 'cleanup.policy': 'compact' })
    await this.#fill(name, i => ({ key: keyAt(i, count), value: valueAt(i), timestamp: epoch + i }), count)
  }

  close(): Promise<void> {
    return this.#kafka.close()
  }

  async #input(
    kind: string,
    names: readonly string[],
    count: number,
    expected: number,
    entryAt = entryOf[kind]!,
  ): Promise<Input> {
    const topics = names.map(name => `bench-${kind}-${name}-${count}-${this.#run}`)
    for (const name of topics) await (this.#made.get(name) ?? this.#make(name, entryAt, count))
    return { topics, expected }
  }

  #make(name: string, entryAt: (i: number) => Entry, count: number): Promise<void> {
    const made = this.topic(name, { 'retention.ms': '-1' }).then(() => this.#fill(name, entryAt, count))
    this.#made.set(name, made)
    return made
  }

  async #fill(name: string, entryAt: (i: number) => Entry, count: number): Promise<void> {
    await using producer = this.#kafka.producer()
    const target = topic(name, { key: serde.string, value: serde.string })
    for (let at = 0; at < count; at += handedAtOnce) {
      const records = Array.from({ length: Math.min(handedAtOnce, count - at) }, (_, n) => entryAt(at + n))
      await producer.sendAll(target, records)
    }
  }
}
