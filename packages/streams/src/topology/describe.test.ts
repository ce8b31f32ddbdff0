import { type KGroupedStream, type KStream, StreamsBuilder } from '../index.ts'
import { describedAsByKafka } from '../testing/kafka-descriptions.ts'

type Text = KStream<string, string>
const wordsOf = (builder: StreamsBuilder, ...topics: string[]) =>
  (builder.stream(topics) as unknown as Text).flatMapValues(line => line.split(' '))
const byWord = (words: Text, name?: string): KGroupedStream<string, string> =>
  words.groupBy(word => word, name === undefined ? {} : { name })

const programs: Record<string, (builder: StreamsBuilder) => void> = {
  unnamed: builder => byWord(wordsOf(builder, 'in')).count().toStream().to('out'),
  'named store': builder => byWord(wordsOf(builder, 'in')).count({ store: 'counts-store' }).toStream().to('out'),
  'grouped.as': builder => byWord(wordsOf(builder, 'in'), 'by-word').count().toStream().to('out'),
  'grouped.as, store': builder =>
    byWord(wordsOf(builder, 'in'), 'by-word').count({ store: 'counts' }).toStream().to('out'),
  'count, store without a name': builder =>
    byWord(builder.stream('in') as unknown as Text)
      .count({ store: { in: 'memory' } })
      .toStream()
      .to('out'),
  'count named': builder => byWord(wordsOf(builder, 'in')).count({ name: 'tally' }).toStream().to('out'),
  'count named, store': builder =>
    byWord(wordsOf(builder, 'in')).count({ name: 'tally', store: 'counts' }).toStream().to('out'),
  'all named, two topics': builder => {
    const words = (builder.stream(['b', 'a'], { name: 'lines' }) as unknown as Text).flatMapValues(line => [line], {
      name: 'split',
    })
    const counts = byWord(words, 'g').count({ name: 'tally', store: 'counts' })
    counts.toStream({ name: 'changes' }).to('out', { name: 'written' })
  },
  branching: builder => {
    const words = wordsOf(builder, 'in')
    words.to('words')
    byWord(words).count().toStream().to('out')
  },
  'two groupings': builder => {
    const words = wordsOf(builder, 'in')
    byWord(words).count().toStream().to('out')
    words.to('words')
    byWord(words).count({ store: 'letters' }).toStream().to('letters-out')
  },
  'two streams': builder => {
    wordsOf(builder, 'in1').to('out1')
    wordsOf(builder, 'in2').to('out2')
  },
  'two counts of a grouping': builder => {
    const grouped = byWord(wordsOf(builder, 'in'))
    grouped.count({ store: 'one' }).toStream().to('out1')
    grouped.count({ store: 'two' }).toStream().to('out2')
  },
  'two unnamed counts of a grouping': builder => {
    const grouped = byWord(wordsOf(builder, 'in'))
    grouped.count().toStream().to('out1')
    grouped.count().toStream().to('out2')
  },
  'table used twice': builder => {
    const counts = byWord(wordsOf(builder, 'in'), 'g').count()
    counts.toStream().to('out1')
    counts
      .toStream()
      .flatMapValues(count => [count])
      .to('out2')
  },
  'two counts of a named grouping': builder => {
    const grouped = byWord(wordsOf(builder, 'in'), 'g')
    grouped.count({ store: 'one' }).toStream().to('out1')
    grouped.count({ store: 'two' }).toStream().to('out2')
  },
}

describedAsByKafka(
  new URL('kafka-descriptions.txt', import.meta.url),
  Object.fromEntries(
    Object.entries(programs).map(([title, write]) => [
      title,
      () => {
        const builder = new StreamsBuilder()
        write(builder)
        return builder.build()
      },
    ]),
  ),
)
