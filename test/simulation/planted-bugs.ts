/**
 * Bugs that somebody might make, each as one change of one text in one file. The simulation is only worth as much as it finds of them:
 * a run ends by planting one after the other, and fails when one goes unnoticed.
 *
 * `from` must be in the file exactly once. Whoever changes that line brings the row along; a test tells.
 */
import type { AnomalyName } from '../history/anomaly.ts'
import type { FailureName } from './simulation.ts'

export interface PlantedBug {
  name: string
  what: string
  /** Below packages/. */
  file: string
  from: string
  to: string
  /** Any of these shows it. */
  shownBy: readonly (AnomalyName | FailureName)[]
}

const loss = ['lost-write', 'visible-then-gone', 'inconsistent-offsets', 'poll-skip', 'unreadable'] as const

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'no-fsync',
    what: 'a group commit does not sync the file',
    file: 'log/src/segment/segment-writer.ts',
    from: '    this.#forgetUnsynced()\n    await this.#syncs.sync(file)\n',
    to: '    this.#forgetUnsynced()\n    await Promise.resolve()\n',
    shownBy: loss,
  },
  {
    name: 'no-journal-sync',
    what: 'a group in the journal is not synced',
    file: 'log/src/journal/journal-piece.ts',
    from: 'await durably(this.#file!.sync())',
    to: 'await Promise.resolve()',
    shownBy: [...loss, 'commit-regression'],
  },
  {
    name: 'early-acknowledgement',
    what: 'acks=all is answered after the write',
    file: 'log/src/partition/log-appends.ts',
    from: 'request.acks === -1 && until > ends.highWatermark',
    to: 'request.acks === -2',
    shownBy: loss,
  },
  {
    name: 'acknowledged-a-record-too-far',
    what: 'a sync answers for what was written while it was under way',
    file: 'log/src/segment/segment-writer.ts',
    from: '    this.#settledSize = size\n    return nextOffset\n',
    to: '    this.#settledSize = size\n    return active.nextOffset + 0 * nextOffset\n',
    shownBy: loss,
  },
  {
    name: 'visible-before-durable',
    what: 'readers see what is written and not yet synced',
    file: 'log/src/partition/log-reads.ts',
    from: ': ends.highWatermark\n    const chunks',
    to: ': ends.nextOffset\n    const chunks',
    shownBy: ['visible-then-gone', 'inconsistent-offsets'],
  },
  {
    name: 'forgotten-duplicate-check',
    what: 'a batch that was written before is written again',
    file: 'log/src/producers/producer-state.ts',
    from: "    if (written !== undefined) return { kind: 'duplicate', written }\n",
    to: '    if (written !== undefined) return next\n',
    shownBy: ['duplicate'],
  },
  {
    name: 'lost-producer-snapshot',
    what: 'a start leaves out what the snapshot knows of producers',
    file: 'log/src/recovery/partition-recovery.ts',
    from: 'this.log.producers.restore(entries, decodeAborted(bytes))',
    to: 'void entries',
    shownBy: ['duplicate', 'nonmonotonic-send', 'lost-write'],
  },
  {
    name: 'producers-not-replayed',
    what: 'a start leaves out what the log knows of producers',
    file: 'log/src/recovery/partition-recovery.ts',
    from: 'batch.baseOffset >= replayFrom && batch.producerId >= 0n',
    to: 'batch.baseOffset >= replayFrom && batch.producerId >= 1n << 60n',
    shownBy: ['duplicate', 'nonmonotonic-send', 'lost-write'],
  },
  {
    name: 'log-start-not-durable',
    what: 'DeleteRecords is answered before the new log start is synced',
    file: 'log/src/partition/log-ends.ts',
    from: '      await this.#services.checkpoint.settle(this.#slot)\n',
    to: '',
    shownBy: ['deleted-then-back'],
  },
  {
    name: 'failed-sync-forgiven',
    what: 'a sync that failed is tried again, and when that succeeds it is acknowledged',
    file: 'log/src/segment/segment-writer.ts',
    from: '    this.#forgetUnsynced()\n    await this.#syncs.sync(file)\n',
    to: '    this.#forgetUnsynced()\n    await durably(file.sync().catch(() => file.sync()))\n',
    shownBy: [...loss, 'duplicate'],
  },
  {
    name: 'roll-without-sync',
    what: 'a segment is closed before it is durable in itself',
    file: 'log/src/segment/segment-writer.ts',
    from: '    await this.settle()\n    const snapshot',
    to: '    const snapshot',
    shownBy: loss,
  },
  {
    name: 'folder-not-synced',
    what: 'records go into a segment whose name is not durable',
    file: 'log/src/segment/segment-writer.ts',
    from: 'await durably(disk.syncFolder(this.#folder))',
    to: 'await Promise.resolve()',
    shownBy: loss,
  },
  {
    name: 'truncation-off-by-one',
    what: 'a start that cuts off a torn write takes the last whole batch with it',
    file: 'log/src/recovery/partition-recovery.ts',
    from: 'if (!this.#wasDurable(end.nextOffset, nextBase)) return this.#cut(segment, file, end)\n',
    to: `if (!this.#wasDurable(end.nextOffset, nextBase)) {
        const start = { position: 0, nextOffset: segment.baseOffset }
        await scanBatches(file, start, { ...limit, position: segment.size }, ({ baseOffset, lastOffset }, _, position) => {
          if (lastOffset + 1 < end.nextOffset) return undefined
          segment.noteDamage({ position, nextOffset: baseOffset })
          return false
        })
        return this.#cut(segment, file, end)
      }\n`,
    shownBy: [...loss, 'commit-regression'],
  },
  {
    name: 'truncation-a-byte-too-many',
    what: 'a start that cuts off a torn write takes a byte of the last whole batch with it',
    file: 'log/src/recovery/partition-recovery.ts',
    from: 'file.truncate(segment.size)',
    to: 'file.truncate(segment.size - 1)',
    shownBy: [...loss, 'commit-regression'],
  },
  {
    name: 'torn-taken-for-damaged',
    what: 'a torn write at the durable offset is taken for damage to what was durable',
    file: 'log/src/recovery/partition-recovery.ts',
    from: 'this.#spec.clean || offset < this.#durableOffset',
    to: 'this.#spec.clean || offset <= this.#durableOffset',
    shownBy: loss,
  },
  {
    name: 'uncertain-tail-trusted',
    what: 'a start believes what the system shows after a sync that failed',
    file: 'log/src/recovery/recovered-tail.ts',
    from: 'file.write(at, [await file.read(at, chunkBytes)])',
    to: 'void at',
    shownBy: loss,
  },
  {
    name: 'journal-not-replayed',
    what: 'a start removes the journal without writing it to the segments',
    file: 'log/src/journal/journal-replay.ts',
    from: 'for (const entry of current) this.#write(file, entry)',
    to: 'void this.#write',
    shownBy: [...loss, 'commit-regression'],
  },
  {
    name: 'fetch-skips-a-batch',
    what: 'a fetch from memory leaves out the batch after the first',
    file: 'log/src/partition/tail-cache.ts',
    from: '      chunks.push(batch.bytes)\n',
    to: '      if (chunks.length === 1 && i + 1 < batches.length && batches[++i]!.nextOffset > end) break\n      chunks.push(batches[i]!.bytes)\n',
    shownBy: ['int-poll-skip', 'poll-skip'],
  },
  {
    name: 'committed-offset-off-by-one',
    what: 'a group is told one more than it has committed',
    file: 'broker/src/handlers/offset-fetch.ts',
    from: 'committedOffset: committed?.offset ?? -1,',
    to: 'committedOffset: committed === undefined ? -1 : committed.offset + 1,',
    shownBy: ['commit-unfounded', 'unprocessed'],
  },
  {
    name: 'jump-trusted-after-restart',
    what: 'retention believes a clock that jumped, once the broker has restarted',
    file: 'log/src/clock-guard.ts',
    from: 'hasJumped ? monotonic + patienceMs : monotonic\n',
    to: 'monotonic\n',
    shownBy: ['lost-write', 'visible-then-gone', 'poll-skip'],
  },
  {
    name: 'compaction-drops-the-last',
    what: 'compaction lets the last value of a key go',
    file: 'log/src/compaction/batch-filter.ts',
    from: 'keyLength, batch.baseOffset + walk.offsetDelta)) continue',
    to: 'keyLength, batch.baseOffset + walk.offsetDelta - 1)) continue',
    shownBy: ['last-value-gone', 'old-value-back', 'tombstone-early', 'commit-regression'],
  },
  {
    name: 'tombstone-too-early',
    what: 'compaction lets tombstones go before their delete horizon',
    file: 'log/src/compaction/batch-filter.ts',
    from: 'return batch.hasDeleteHorizon && batch.baseTimestamp <= this.#view.now',
    to: 'return batch.baseOffset >= 0',
    shownBy: ['tombstone-early', 'old-value-back'],
  },
  {
    name: 'cleaned-segment-not-synced',
    what: 'a cleaned segment takes the place of the old ones before it is durable',
    file: 'log/src/compaction/cleaning.ts',
    from: '      await durably(file.sync())\n      await handOver',
    to: '      await handOver',
    shownBy: ['last-value-gone', 'old-value-back', 'commit-regression', 'unreadable'],
  },
  {
    name: 'rot-served',
    what: 'a read hands out what does not match its checksum',
    file: 'log/src/segment/segment-read.ts',
    from: 'const verdict = checkBatch(bytes, to, place, end)',
    to: "const checked = checkBatch(bytes, to, place, end)\n    const verdict = checked === 'a batch does not match its checksum' ? 0 : checked",
    shownBy: ['rot-served'],
  },
  {
    name: 'stale-swap-taken',
    what: 'a swap file stays when it has taken its place, and a later start takes it again',
    file: 'log/src/compaction/segment-swap.ts',
    from: 'await disk.rename(`',
    to: 'await (async (from: string, to: string) => {\n    await disk.remove(to).catch(() => undefined)\n    await disk.link(from, to)\n  })(`',
    shownBy: ['last-value-gone', 'old-value-back', 'tombstone-early', 'unreadable', 'commit-regression', 'lost-write'],
  },
  {
    name: 'stable-offset-off-by-one',
    what: 'readers of committed records see the first batch of a transaction that is open',
    file: 'log/src/producers/transactions.ts',
    from: 'stable = Math.min(stable, this.#open.values().next().value!)',
    to: 'stable = Math.min(stable, this.#open.values().next().value! + 1)',
    shownBy: ['G1a', 'visible-then-gone', 'poll-skip', 'effect-twice'],
  },
  {
    name: 'forgotten-abort',
    what: 'readers are not told which transactions were aborted',
    file: 'log/src/producers/transactions.ts',
    from: "if (outcome === 'abort') this.#aborted",
    to: "if (outcome === 'abort' && offset < 0) this.#aborted",
    shownBy: ['G1a', 'effect-twice', 'torn-transaction'],
  },
  {
    name: 'offsets-of-an-abort-count',
    what: 'offsets that an aborted transaction was to commit are committed all the same',
    file: 'broker/src/coordinator-log/log-writes.ts',
    from: 'image.release?.(marker.producerId, marker.outcome)',
    to: "image.release?.(marker.producerId, 'commit')",
    shownBy: ['effect-missing'],
  },
  {
    name: 'zombie-not-fenced',
    what: 'the epoch does not rise when a transactional id is taken over',
    file: 'broker/src/transactions/ending.ts',
    from: 'epoch: raised(open.epoch),',
    to: 'epoch: open.epoch,',
    shownBy: ['G1a', 'effect-twice', 'effect-missing', 'torn-transaction', 'lost-write', 'duplicate', 'stuck', 'error'],
  },
  {
    name: 'epoch-stays-at-end',
    what: 'the epoch does not rise when a transaction ends, so that an end that comes again ends the next one',
    file: 'broker/src/transactions/ending.ts',
    from: 'epoch: rises ? raised(known.epoch) : known.epoch,',
    to: 'epoch: known.epoch,',
    shownBy: ['G1a', 'lost-write', 'effect-twice', 'effect-missing', 'torn-transaction', 'visible-then-gone', 'stuck'],
  },
  {
    name: 'assigned-before-revoked',
    what: 'a member of a consumer group is given a partition that another has not yet given up',
    file: 'broker/src/groups/reconciliation.ts',
    from: "if (goal.isTaken(topicId, partition)) state = 'unreleased'",
    to: "if (goal.epoch < 0) state = 'unreleased'",
    shownBy: ['owned-twice'],
  },
  {
    name: 'share-acknowledged-early',
    what: 'an acknowledgement of a share group is answered before it is durable',
    file: 'broker/src/share-partitions/share-partition.ts',
    from: "if (ranges.some(({ outcome }) => outcome === 'release')) this.#changed()\n    return this.#persist()",
    to: "if (ranges.some(({ outcome }) => outcome === 'release')) this.#changed()\n    void this.#persist()\n    return ErrorCodes.NONE",
    shownBy: ['delivered-after-done'],
  },
  {
    name: 'share-lock-for-ever',
    what: 'the acquisition lock of a record is never over',
    file: 'broker/src/share-partitions/share-partition-machine.ts',
    from: 'const lockedUntil = request.now + request.rules.lockMs',
    to: 'const lockedUntil = request.now + 1e9 * request.rules.lockMs',
    shownBy: ['not-delivered'],
  },
]
