import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  joinWindow,
  type KStream,
  type KTable,
  keyValueStore,
  type StorePlace,
  StreamsBuilder,
  type Windowed,
} from '../index.ts'

/** Fails to compile unless the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never
const same = <A, B>(_: Same<A, B>) => {}

interface Play {
  song: number
  ms: number
}

const builder = new StreamsBuilder()
const plays = builder.stream('plays', { key: serde.string, value: serde.json<Play>() })
const texts = builder.stream('texts', { key: serde.string, value: serde.string })
const bySong = plays.selectKey(play => play.song)
const window = joinWindow({ before: 1, after: 1, grace: 0 })
const words = keyValueStore({ name: 's', key: serde.string, value: serde.string }).make({} as StorePlace)
const songs = builder.table('songs', { key: serde.int32, value: serde.string })

/**
 * Each of these does not compile, and so says nothing when it is run: it is not. Where a line did compile, the check of types would
 * fail with "unused '@ts-expect-error' directive".
 */
export const wrong = [
  // @ts-expect-error a number is written with a serde of strings
  () => plays.mapValues(play => play.ms).to('out', { value: serde.string }),
  // @ts-expect-error a string is a key, and the serde is one of numbers
  () => plays.to('out', { key: serde.int32 }),
  // @ts-expect-error values come first
  () => plays.filter((key: string) => key === 'uk'),
  // @ts-expect-error a play has no artist
  () => plays.mapValues(play => play.artist),
  // @ts-expect-error a predicate answers with a boolean
  () => plays.filter(play => play.ms),
  // @ts-expect-error the serde is one of strings, and the mapping answers with numbers
  () => plays.mapValues(play => play.ms, { value: serde.string }),
  // @ts-expect-error the serde is one of strings, and the new key is a number
  () => plays.selectKey(play => play.song, { key: serde.string }),
  // @ts-expect-error a mapping answers with a key and a value
  () => plays.map(play => play.ms),
  // @ts-expect-error none, one or several values, and this is a number
  () => plays.flatMapValues(play => play.ms),
  // @ts-expect-error streams of other values are not one
  () => plays.merge(texts),
  // @ts-expect-error there is no such branch
  () => plays.split({ long: play => play.ms > 1 }).short,
  // @ts-expect-error without a name for the rest there is no branch for it
  () => plays.split({ long: play => play.ms > 1 }).rest,
  // @ts-expect-error a grouping by numbers is written with a serde of numbers
  () => plays.groupBy(play => play.song, { key: serde.string }),
  // @ts-expect-error a value of a table that was deleted is null
  () => songs.toStream().mapValues(title => title.length),
  // @ts-expect-error callbacks of tables answer at once
  () => songs.filter(async title => title !== ''),
  // @ts-expect-error … those that map, too
  () => songs.mapValues(async title => title.length),
  // @ts-expect-error a table is kept with a serde of its values
  () => songs.mapValues(title => title.length, { store: { name: 's', value: serde.string } }),
  // @ts-expect-error the keys are strings on one side and numbers on the other
  () => plays.join(songs, (play, title) => `${play.ms} ${title}`),
  // @ts-expect-error the other stream's keys are strings, and these are numbers
  () => bySong.join(texts, () => 1, { window }),
  () =>
    plays.processValues(() => ({
      // @ts-expect-error a fixed-key processor forwards no key
      init: context => void context.forward({ key: 'k', value: 1 }),
      process: () => {},
    })),
  // @ts-expect-error a processor gets what the stream carries
  () => plays.process(() => ({ process: (record: { key: number; value: Play }) => void record })),
  // @ts-expect-error windows need a grace
  () => joinWindow({ before: 1, after: 1 }),
  // @ts-expect-error a store's values are what its serde says
  () => words.put('k', 1),
]

test('code that mixes up keys, values and serdes does not compile', () => {
  assert.ok(wrong.length > 20)
})

test('types follow keys and values through every step', () => {
  const mapped = plays.map((play, region) => [play.song, region])
  same<typeof mapped, KStream<number, string>>(true)
  const later = plays.mapValues(async play => play.ms)
  same<typeof later, KStream<string, number>>(true)
  const one = plays.flatMapValues(async function* (play) {
    yield play.ms
  })
  same<typeof one, KStream<string, number>>(true)
  const { long, others } = plays.split({ long: play => play.ms > 1 }, { rest: 'others' })
  same<typeof long, KStream<string, Play>>(true)
  same<typeof others, KStream<string, Play>>(true)
  const latest = texts.toTable()
  same<typeof latest, KTable<string, string>>(true)
  const lengths = songs.mapValues(title => title.length)
  same<typeof lengths, KTable<number, number>>(true)
  const changes = songs.toStream()
  same<typeof changes, KStream<number, string | null>>(true)
  const rekeyed = songs.toStream({ select: (title: string | null, song) => `${title} ${song}` })
  same<typeof rekeyed, KStream<string, string | null>>(true)
  const processed = plays.process<number, string>({
    process: (record, context) => context.forward({ ...record, key: record.value.song, value: record.key }),
  })
  same<typeof processed, KStream<number, string>>(true)
})

test('a predicate that tells types apart narrows a stream, deletions and all', () => {
  const present = songs.toStream().filter(title => title !== null)
  same<typeof present, KStream<number, string>>(true)
  const known = texts.filter((text): text is 'yes' | 'no' => text === 'yes' || text === 'no')
  same<typeof known, KStream<string, 'yes' | 'no'>>(true)
  const rows = songs.filter((title): title is 'Song 2' => title === 'Song 2')
  same<typeof rows, KTable<number, 'Song 2'>>(true)
})

test('a windowed key says so', () => {
  const keyed = (stream: KStream<Windowed<string>, number>) =>
    stream.mapValues((_, { key, start }) => `${key}@${start}`)
  same<ReturnType<typeof keyed>, KStream<Windowed<string>, string>>(true)
})
