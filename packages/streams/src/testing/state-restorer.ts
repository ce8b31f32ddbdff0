/** A process that restores a store, tells when everything is read, writes and commits it. It is killed meanwhile. */
import { serde } from '@odradek/client'
import { noHeaders } from '../record.ts'
import { StateFolder } from '../state/state-folder.ts'
import { timestampedStore } from '../state/timestamped-store.ts'

const [folder, applicationId, count] = process.argv.slice(2) as [string, string, string]
const disk = StateFolder.open({ folder, applicationId }).openTask('0_0')
const store = timestampedStore({ name: 'table', key: serde.string, value: serde.int32 }).make({
  taskId: '0_0',
  log: null,
  disk,
  defaultKind: 'disk',
  cache: null,
  current: () => ({ headers: noHeaders, metadata: undefined }),
})
const positions = new Map<string, number>()
const length = Number(count)
for (let at = 0; at < length; at += 10_000) {
  const records = Array.from({ length: 10_000 }, (_, i) => ({
    key: Buffer.from(`key-${((at + i) * 7_919) % length}`),
    value: serde.int32.serialize(1, { topic: 'table', part: 'value' }),
    timestamp: at + i,
  }))
  store.restoreBatch!(records)
  positions.set('table', at + records.length)
  disk.commit(positions, { now: false })
}
process.send!('read', undefined, undefined, () => {
  disk.commit(positions)
  process.send!('committed')
})
setInterval(() => {}, 1_000)
