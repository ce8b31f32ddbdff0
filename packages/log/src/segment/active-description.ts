/**
 * Describes the segment that takes appends while it grows, so that a start after a crash has little of it to scan.
 *
 *     ──[ described: sidecar and snapshot on disk ][ staged: encoded as of here │ ]── size
 *                                                  every so many bytes         └ written down when durable up to here
 *
 * Both are encoded at once, between two appends, since a sidecar and a snapshot speak of the same moment; they are written when what
 * they speak of is durable. Neither is synced: one that is lost costs the next start some scanning.
 */
import { snapshotName } from '../folder/file-names.ts'
import type { LogServices } from '../log-services.ts'
import type { ProducerState } from '../producers/producer-state.ts'
import type { Segment } from './segment.ts'
import { snapshotOf, writeSidecarBytes, writeSnapshot } from './segment-closing.ts'

interface Staged {
  readonly segment: Segment
  readonly size: number
  readonly nextOffset: number
  readonly sidecar: Uint8Array
  readonly snapshot: Uint8Array
}

export class ActiveDescription {
  readonly #services: LogServices
  #staged: Staged | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Offset of the snapshot that was written last. */
  #snapshotOffset = -1

  constructor(services: LogServices) {
    this.#services = services
  }

  /** After a sync: the file is durable up to `settledSize`. */
  look(active: Segment, settledSize: number, producers: ProducerState): void {
    if (this.#staged?.segment !== active) this.#staged = undefined
    const described = this.#staged?.size ?? Math.max(0, active.sidecarSize)
    if (this.#staged === undefined && active.size - described >= this.#services.describeBytes)
      this.#staged = stage(active, producers)
    const staged = this.#staged
    if (staged === undefined || settledSize < staged.size) return
    this.#staged = undefined
    active.sidecarSize = staged.size
    this.#writing = this.#writing.then(() => this.#services.lanes.run(() => this.#write(staged)))
  }

  /** Resolves when nothing is being written. */
  idle(): Promise<void> {
    return this.#writing
  }

  async #write({ segment, nextOffset, sidecar, snapshot }: Staged): Promise<void> {
    const { disk, logger } = this.#services
    const { folder } = segment
    try {
      await writeSidecarBytes(disk, segment, sidecar)
      await writeSnapshot(this.#services, folder, nextOffset, snapshot, { sync: false })
      if (this.#snapshotOffset >= 0) await disk.remove(`${folder}/${snapshotName(this.#snapshotOffset)}`)
      this.#snapshotOffset = nextOffset
    } catch (error) {
      const message = 'could not describe a growing segment; a start after a crash will scan more of it'
      logger.warn({ file: segment.path, error: (error as Error).message }, message)
    }
  }
}

const stage = (segment: Segment, producers: ProducerState): Staged => ({
  ...{ segment, size: segment.size, nextOffset: segment.nextOffset },
  ...{ sidecar: segment.encodeSidecar(), snapshot: snapshotOf(segment.nextOffset, producers) },
})
