/** A process to be killed: sets every key to the number of the commit that follows, and tells of commits that are done. */
import { serde } from '@odradek/client'
import { noHeaders } from '../record.ts'
import { StateFolder } from '../state/state-folder.ts'
import { timestampedStore } from '../state/timestamped-store.ts'

const [folder = '', applicationId = '', count = '500'] = process.argv.slice(2)
const disk = StateFolder.open({ folder, applicationId }).openTask('0_0')
const store = timestampedStore<string, number>({ name: 'table', key: serde.string, value: serde.int32 }).make({
  taskId: '0_0',
  log: null,
  disk,
  defaultKind: 'disk',
  cache: null,
  current: () => ({ headers: noHeaders, metadata: undefined }),
})
const first = disk.position('table') ?? 0

for (let commit = first + 1; ; commit++) {
  for (let i = 0; i < Number(count); i++) store.put(`key-${i}`, commit, commit)
  disk.commit(new Map([['table', commit]]))
  await new Promise<void>(resolve => process.send!(commit - first, undefined, undefined, () => resolve()))
}
