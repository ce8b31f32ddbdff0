import { createConsumerEngine, type Kafka, serde, topic } from '@odradek/client'
import { KafkaStreams } from '@odradek/streams'
import type { Clock, Timer } from '@odradek/world'
import { type CountState, number, renderCounts } from './count-view.ts'
import { Counts } from './counts.ts'
import type { Screen } from './screen.ts'
import { applicationId, inputTopic, outputTopic, wordCountTopology } from './word-count-topology.ts'
import { countWords, differences, topWords, totalOf } from './words.ts'

export interface WordCountOptions {
  kafka: Kafka
  clock: Clock
  screen: Screen
  title: string
  lines: readonly string[]
  signal: AbortSignal
}

export interface WordCountResult {
  words: number
  distinct: number
  lines: number
  /** From the first line published to the last word counted. */
  seconds: number
  /** Words whose count is not what a count made directly from the text says. */
  wrong: { word: string; expected: number; actual: number }[]
}

const lines = topic(inputTopic, { key: serde.string, value: serde.string })
const frameMs = 80
/** Nothing new for this long: the count will not come any more. */
const patienceMs = 30_000

/**
 * The book flows: a producer publishes it line by line, Streams counts its words, a consumer of the output topic watches. All three go
 * through the broker like any client's records. Ends when the counts have reached those made directly from the text, or have settled
 * on something else.
 */
export class WordCount {
  readonly #options: WordCountOptions
  readonly #counts: Counts
  readonly #streams: KafkaStreams
  #published = 0

  constructor(options: WordCountOptions) {
    this.#options = options
    this.#counts = new Counts(options.clock)
    this.#streams = new KafkaStreams(wordCountTopology(), {
      applicationId,
      kafka: options.kafka,
      commitIntervalMs: 1_000,
      cacheMaxBytes: 0,
      defaultStore: 'memory',
    })
  }

  /** Topics first: an application does not make those that are its user's. What an earlier run counted stays counted. */
  async prepare(): Promise<void> {
    const { kafka, signal } = this.#options
    await kafka.admin().topics.create(
      [
        { name: inputTopic, partitions: 1 },
        { name: outputTopic, partitions: 1, config: { 'cleanup.policy': 'compact' } },
      ],
      { ifNotExists: true, signal },
    )
  }

  async run(): Promise<WordCountResult> {
    const { clock, lines: text, signal } = this.#options
    const expected = await this.#expected()
    const ended = this.#streams.run({ signal })
    const stop = new AbortController()
    const started = clock.monotonic()
    const drawing = this.#drawUntil(stop.signal)
    try {
      await Promise.race([
        ended.then(() => signal.throwIfAborted()),
        Promise.all([this.#publish(), this.#watch(expected, AbortSignal.any([signal, stop.signal]))]),
      ])
    } finally {
      stop.abort()
      drawing.cancel()
      this.#draw()
    }
    return {
      words: this.#counts.total,
      distinct: this.#counts.latest.size,
      lines: text.length,
      seconds: (clock.monotonic() - started) / 1_000,
      wrong: differences(expected, this.#counts.latest),
    }
  }

  /** Prints what changes from now on, until interrupted: lines that somebody publishes elsewhere. */
  async follow(onChange: (word: string, count: number) => void): Promise<void> {
    const { signal } = this.#options
    await this.#read({ from: 'latest' }, signal, onChange, () => false)
  }

  close(): Promise<void> {
    return this.#streams.close()
  }

  /** Counts made directly from the text, on top of what the input topic held before. */
  async #expected(): Promise<Map<string, number>> {
    const { kafka, lines: text, signal } = this.#options
    const before: string[] = []
    for await (const { value } of kafka.read(lines, { until: 'end', signal })) if (value !== null) before.push(value)
    return countWords([...before, ...text])
  }

  async #publish(): Promise<void> {
    const { kafka, lines: text, signal } = this.#options
    await using producer = kafka.producer()
    const self = this
    async function* numbered() {
      for (const value of text) {
        self.#published++
        yield { value }
      }
    }
    await producer.sendAll(lines, numbered(), { signal })
  }

  async #watch(expected: ReadonlyMap<string, number>, signal: AbortSignal): Promise<void> {
    const total = totalOf(expected)
    await this.#read(
      { from: 'earliest' },
      signal,
      (word, count) => this.#counts.update(word, count),
      () => this.#counts.total >= total,
    )
  }

  async #read(
    start: { from: 'earliest' | 'latest' },
    signal: AbortSignal,
    each: (word: string, count: number) => void,
    isDone: () => boolean,
  ): Promise<void> {
    const { kafka, clock } = this.#options
    const engine = createConsumerEngine(kafka.cluster, start)
    const { partitions } = await kafka.admin().topics.describe(outputTopic, { signal })
    engine.assign(partitions.map(({ partition }) => ({ topic: outputTopic, partition })))
    let quietSince = clock.monotonic()
    try {
      while (!isDone() && !signal.aborted && (start.from === 'latest' || clock.monotonic() - quietSince < patienceMs)) {
        for (const { records } of await engine.poll(200, { maxRecords: 10_000, signal })) {
          quietSince = clock.monotonic()
          for (const { key, value } of records) {
            if (key !== null && value !== null)
              each(serde.string.deserialize(key, at('key')), serde.int64.deserialize(value, at('value')))
          }
        }
      }
    } finally {
      await engine.close()
    }
  }

  #drawUntil(signal: AbortSignal): Timer {
    const { clock } = this.#options
    let timer: Timer
    const frame = () => {
      if (signal.aborted) return
      this.#draw()
      timer = clock.timer(frameMs, frame)
    }
    frame()
    return { cancel: () => timer.cancel() }
  }

  #draw(): void {
    const { screen, title, lines: text } = this.#options
    const state: CountState = {
      title,
      publishedLines: this.#published,
      totalLines: text.length,
      countedWords: this.#counts.total,
      distinctWords: this.#counts.latest.size,
      wordsPerSecond: this.#counts.rate(),
      top: topWords(this.#counts.latest, 10),
    }
    screen.draw(renderCounts(state, screen.width, screen.colour))
  }
}

const at = (part: 'key' | 'value') => ({ topic: outputTopic, part })

/** What is printed at the end, where a terminal shows the frames and where it does not. */
export function summary({ words, distinct, lines: count, seconds, wrong }: WordCountResult): string {
  const verdict =
    wrong.length === 0
      ? '✓ equal to a count made directly from the text'
      : `✗ ${number(wrong.length)} words differ from a count made directly from the text, first: ${wrong
          .slice(0, 3)
          .map(({ word, expected, actual }) => `${word} ${actual} instead of ${expected}`)
          .join(', ')}`
  return `${number(count)} lines, ${number(words)} words, ${number(distinct)} different, in ${seconds.toFixed(1)} s (${number(words / seconds)} words/s)\n${verdict}\n`
}
