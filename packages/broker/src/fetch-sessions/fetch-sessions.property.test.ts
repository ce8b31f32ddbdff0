/** Whatever a client changes and whatever happens to the logs: what it knows by news alone is what a fetch on its own would tell it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fetch, noId, type Request, type ResponseInput } from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import fc from 'fast-check'
import { FetchSessions } from './fetch-sessions.ts'

type Asked = Request<typeof Fetch>
type TopicAnswer = ResponseInput<typeof Fetch>['responses'][number]
type Mark = { errorCode: number; highWatermark: number; lastStableOffset: number; logStartOffset: number }

const room = { slots: 10, evictionMs: 1000, partitions: 1000 }
const place = fc.record({ topic: fc.constantFrom('a', 'b'), partition: fc.nat(2) })
const step = fc.oneof(
  fc.record({ type: fc.constant('add' as const), place, fetchOffset: fc.nat(5) }),
  fc.record({ type: fc.constant('forget' as const), place }),
  fc.record({ type: fc.constant('grow' as const), place, by: fc.constantFrom('hw', 'lso', 'start') }),
  fc.record({ type: fc.constant('fail' as const), place, errorCode: fc.constantFrom(0, 6) }),
  fc.constant({ type: 'fetch' as const }),
)

const keyOf = ({ topic, partition }: { topic: string; partition: number }) => `${topic}-${partition}`
const asked = (places: { topic: string; partition: number }[]): Asked['topics'] =>
  places.map(({ topic, partition }) => ({
    topic,
    topicId: noId,
    partitions: [{ ...blankPartition, partition }],
  }))
const blankPartition = {
  currentLeaderEpoch: -1,
  fetchOffset: 0,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
  partitionMaxBytes: 100,
  replicaDirectoryId: noId,
  highWatermark: 0n,
}

test('what a client learns by news is what is true', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const { random } = simulatedWorld({ seed: 1 })
      const sessions = new FetchSessions(random, () => room)
      const logs = new Map<string, Mark>()
      const log = (key: string) =>
        logs.get(key) ?? { errorCode: 0, highWatermark: 0, lastStableOffset: 0, logStartOffset: 0 }
      const wanted = new Map<string, { topic: string; partition: number }>([['a-0', { topic: 'a', partition: 0 }]])
      const known = new Map<string, Mark>()
      let added: { topic: string; partition: number }[] = [...wanted.values()]
      let forgotten: { topic: string; partition: number }[] = []
      let sessionId = 0
      let sessionEpoch = 0

      const fetch = () => {
        const request = {
          sessionId,
          sessionEpoch,
          topics: asked(sessionEpoch === 0 ? [...wanted.values()] : added),
          forgottenTopicsData: forgotten.map(({ topic, partition }) => ({
            topic,
            topicId: noId,
            partitions: [partition],
          })),
        } as unknown as Asked
        const scope = sessions.scope(request, { nodeId: 1, usesTopicIds: false, now: 0 })
        assert.ok(!('refused' in scope))
        const answers = scope.topics.map(
          (each): TopicAnswer => ({
            topic: each.topic,
            partitions: each.partitions.map(({ partition }) => ({
              partitionIndex: partition,
              ...log(keyOf({ topic: each.topic, partition })),
              abortedTransactions: null,
              records: null,
            })),
          }),
        )
        const told = scope.session?.newsOf(answers) ?? answers
        for (const { topic, partitions } of scope.isFull ? answers : told)
          for (const {
            partitionIndex,
            errorCode,
            highWatermark,
            lastStableOffset = -1,
            logStartOffset = -1,
          } of partitions)
            known.set(keyOf({ topic: topic!, partition: partitionIndex }), {
              errorCode,
              highWatermark,
              lastStableOffset,
              logStartOffset,
            })
        for (const [key] of wanted) assert.deepEqual(known.get(key), log(key), key)
        sessionId = scope.session?.id ?? 0
        sessionEpoch = scope.session?.epoch ?? 0
        assert.equal(sessions.partitions, scope.session ? wanted.size : 0)
        added = []
        forgotten = []
      }

      for (const now of steps) {
        if (now.type === 'fetch') fetch()
        else if (now.type === 'add') {
          wanted.set(keyOf(now.place), now.place)
          added.push(now.place)
          forgotten = forgotten.filter(each => keyOf(each) !== keyOf(now.place))
        } else if (now.type === 'forget') {
          if (wanted.delete(keyOf(now.place))) forgotten.push(now.place)
          added = added.filter(each => keyOf(each) !== keyOf(now.place))
        } else if (now.type === 'fail')
          logs.set(keyOf(now.place), { ...log(keyOf(now.place)), errorCode: now.errorCode })
        else {
          const mark = { ...log(keyOf(now.place)) }
          if (now.by === 'hw') mark.highWatermark++
          else if (now.by === 'lso') mark.lastStableOffset++
          else mark.logStartOffset++
          logs.set(keyOf(now.place), mark)
        }
      }
      fetch()
    }),
    { numRuns: 300 },
  )
})
