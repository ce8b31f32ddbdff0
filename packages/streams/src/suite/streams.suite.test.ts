/** Operators on any Kafka-compatible cluster: small inputs through real topics, and the records that must come out. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { serde } from '@odradek/client'
import { joinWindow, StreamsBuilder, session, tumbling, untilWindowCloses, type Windowed } from '../index.ts'
import { ApplicationScene, begin, type Cluster, openCluster } from '../testing/application-scene.ts'

const text = { key: serde.string, value: serde.string }
const counted = { key: serde.string, value: serde.int64 }
const asText = {
  select: (_: unknown, at: Windowed<string>) => `${at.key}@${at.start - begin}-${at.end - begin}`,
  key: serde.string,
}

suite('operators', { concurrency: 4 }, () => {
  let cluster: Cluster
  before(async () => {
    cluster = await openCluster()
  })
  after(() => cluster[Symbol.asyncDispose]())
  const open = (name: string) => new ApplicationScene(cluster, name)

  test('words are counted, one update for each', async () => {
    await using scene = open('word-count')
    const builder = new StreamsBuilder()
    builder
      .stream(scene.topic('lines'), text)
      .flatMapValues(line => line.toLowerCase().split(/\W+/))
      .groupBy(word => word, text)
      .count({ store: 'words' })
      .toStream()
      .to(scene.topic('counts'), counted)
    await scene.topics({ lines: 1, counts: 1 })
    await scene.write('lines', [
      [null, 'all streams lead to kafka', 10],
      [null, 'Hello Kafka streams', 20],
      [null, 'join kafka summit', 15],
    ])
    const app = await scene.running(builder.build())
    assert.deepEqual(await scene.results('counts', serde.int64, 11), [
      ['all', 1, 10],
      ['streams', 1, 10],
      ['lead', 1, 10],
      ['to', 1, 10],
      ['kafka', 1, 10],
      ['hello', 1, 20],
      ['kafka', 2, 20],
      ['streams', 2, 20],
      ['join', 1, 15],
      ['kafka', 3, 20],
      ['summit', 1, 15],
    ])
    assert.equal(app.store<string, number>('words').get('kafka')!.value, 3)
  })

  test('tumbling windows and sessions are counted; what is late within grace counts, and what is later does not', async () => {
    await using scene = open('windows')
    const builder = new StreamsBuilder()
    const plays = builder.stream(scene.topic('plays'), text).groupByKey()
    const by = plays.windowedBy(tumbling({ size: 1_000, grace: 500 })).count({ store: 'by-second' })
    by.toStream(asText).to(scene.topic('counts'), counted)
    by.suppress(untilWindowCloses()).toStream(asText).to(scene.topic('final'), counted)
    const sessions = plays.windowedBy(session({ gap: 300, grace: 1_500 })).count({ store: 'sessions' })
    sessions.toStream(asText).to(scene.topic('sessions'), { key: serde.string, value: serde.int64 })
    await scene.topics({ plays: 1, counts: 1, final: 1, sessions: 1 })
    await scene.write('plays', [
      ['uk', 'a', 100],
      ['uk', 'b', 1_100],
      ['uk', 'late', 400],
      ['uk', 'c', 1_500],
      ['uk', 'too late', 300],
    ])
    await scene.running(builder.build())
    assert.deepEqual(await scene.results('counts', serde.int64, 4), [
      ['uk@0-1000', 1, 100],
      ['uk@1000-2000', 1, 1_100],
      ['uk@0-1000', 2, 400],
      ['uk@1000-2000', 2, 1_500],
    ])
    assert.deepEqual(await scene.results('final', serde.int64, 1), [['uk@0-1000', 2, 400]])
    assert.deepEqual(
      (await scene.results('sessions', serde.int64, 7)).map(([key, value]) => [key, value]),
      [
        ['uk@100-100', 1],
        ['uk@1100-1100', 1],
        ['uk@100-100', null],
        ['uk@100-400', 2],
        ['uk@1500-1500', 1],
        ['uk@100-400', null],
        ['uk@100-400', 3],
      ],
    )
  })

  test('streams are joined with streams, and who finds nobody is told when the window has closed', async () => {
    await using scene = open('stream-stream')
    const builder = new StreamsBuilder()
    const [views, clicks] = [builder.stream(scene.topic('views'), text), builder.stream(scene.topic('clicks'), text)]
    const window = joinWindow({ within: 1_000, grace: 0 })
    const join = (view: string, click: string | null) => `${view}/${click ?? 'ignored'}`
    views.join(clicks, join, { window, name: 'inner' }).to(scene.topic('inner'), text)
    views.leftJoin(clicks, join, { window, name: 'left' }).to(scene.topic('left'), text)
    await scene.topics({ views: 1, clicks: 1, inner: 1, left: 1 })
    await scene.write('views', [
      ['a', 'banner', 0],
      ['b', 'banner', 100],
    ])
    await scene.write('clicks', [
      ['a', 'left', 900],
      ['a', 'too late', 1_001],
    ])
    await scene.running(builder.build())
    // Results of nobody are looked for once a second, when a record comes.
    const told = async () => (await scene.read('left', serde.string)).filter(([key]) => key !== 'later')
    const deadline = performance.now() + 20_000
    for (let at = 5_000; (await told()).length < 2 && performance.now() < deadline; at++)
      await scene.write('views', [['later', 'x', at]])
    assert.deepEqual(await scene.read('inner', serde.string), [['a', 'banner/left', 900]])
    assert.deepEqual(await told(), [
      ['a', 'banner/left', 900],
      ['b', 'banner/ignored', 100],
    ])
  })

  test('streams are joined with the row of a table that is there at their time, and with a global table by any key', async () => {
    await using scene = open('stream-table')
    const builder = new StreamsBuilder()
    const users = builder.table(scene.topic('users'), text)
    const countries = builder.globalTable(scene.topic('countries'), { ...text, store: 'countries' })
    builder
      .stream(scene.topic('plays'), text)
      .leftJoin(users, (song, user) => `${song} by ${user ?? 'nobody'}`)
      .leftJoin(countries, (play, country) => `${play} in ${country}`, { on: (_, key) => key.slice(0, 2) })
      .to(scene.topic('out'), text)
    await scene.topics({ users: 2, plays: 2, countries: 3, out: 1 })
    await scene.write('countries', [
      ['uk', 'Britain'],
      ['fr', 'France'],
    ])
    await scene.write('users', [['uk1', 'Ada', 20]])
    await scene.write('plays', [
      ['uk1', 'Heroes', 10],
      ['uk1', 'Help', 30],
      ['fr7', 'Joe', 40],
    ])
    await scene.running(builder.build())
    const all = await scene.results('out', serde.string, 3)
    assert.deepEqual(
      all.toSorted((a, b) => a[2] - b[2]),
      [
        ['uk1', 'Heroes by nobody in Britain', 10],
        ['uk1', 'Help by Ada in Britain', 30],
        ['fr7', 'Joe by nobody in France', 40],
      ],
    )
  })

  test('tables are joined with tables, by key and by foreign key, as rows come, change and go', async () => {
    await using scene = open('tables')
    const builder = new StreamsBuilder()
    const tracks = builder.table(scene.topic('tracks'), text)
    const plays = builder.table(scene.topic('plays'), text)
    const albums = builder.table(scene.topic('albums'), text)
    tracks
      .outerJoin(plays, (album, count) => `${album}:${count}`, { value: serde.string, store: 'both' })
      .toStream()
      .to(scene.topic('by-key'), text)
    tracks
      .leftJoinByForeignKey(
        albums,
        album => album,
        (_, album) => album ?? 'unknown',
        { ...text, name: 'of-album' },
      )
      .toStream()
      .to(scene.topic('titles'), text)
    await scene.topics({ tracks: 2, plays: 2, albums: 3, 'by-key': 1, titles: 1 })
    await scene.write('tracks', [
      ['speed', 'low', 10],
      ['sound', 'low', 10],
      ['joe', 'lion', 10],
    ])
    await scene.write('plays', [
      ['speed', '7', 20],
      ['gone', '1', 20],
    ])
    await scene.write('albums', [['low', 'Low', 30]])
    await scene.running(builder.build())
    await scene.comesTo('by-key', serde.string, { speed: 'low:7', sound: 'low:null', joe: 'lion:null', gone: 'null:1' })
    await scene.comesTo('titles', serde.string, { speed: 'Low', sound: 'Low', joe: 'unknown' })
    await scene.write('albums', [['low', 'Low (1977)', 40]])
    await scene.write('tracks', [['sound', null, 50]])
    await scene.write('plays', [['gone', null, 50]])
    await scene.comesTo('by-key', serde.string, { speed: 'low:7', sound: null, joe: 'lion:null', gone: null })
    await scene.comesTo('titles', serde.string, { speed: 'Low (1977)', sound: null, joe: 'unknown' })
  })
})
