import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Logger } from '../../logger.ts'
import { Refusal, refuse } from '../../refusal.ts'
import type { ClassicGroups } from '../classic/classic-groups.ts'
import { classicTombstone } from '../classic/classic-records.ts'
import type { Group } from '../classic/group.ts'
import { restoredGroup, storedGroup } from '../classic/stored-group.ts'
import type { GroupLog } from '../group-log.ts'
import type { GroupRecord } from '../group-records.ts'
import type { CoordinatedGroup } from '../group-types.ts'
import type { StreamsGroup } from './streams-group.ts'
import { streamsPart } from './streams-part.ts'

interface StreamsWritesOptions {
  readonly logger: Logger
  readonly log: GroupLog
  readonly classic: ClassicGroups
  findAny(groupId: string): CoordinatedGroup | undefined
}

/** Decides on what is durable, adds the records that say so, and tells what follows when they are. Throws a Refusal. */
type Decision<T> = (stored: StreamsGroup | undefined, records: GroupRecord[]) => () => T

/** Changes of streams groups, one after the other for each, and each as a whole. A new group takes the place of an empty classic one. */
export class StreamsWrites {
  readonly #o: StreamsWritesOptions
  readonly #busy = new Map<string, number>()
  readonly #creating = new Set<string>()

  constructor(options: StreamsWritesOptions) {
    this.#o = options
  }

  /** What is durable is not the last word. */
  isBusy(groupId: string): boolean {
    return this.#busy.has(groupId)
  }

  isCreating(groupId: string): boolean {
    return this.#creating.has(groupId)
  }

  async write<T>(groupId: string, creates: boolean, decide: Decision<T>): Promise<T> {
    let outcome: { readonly effect: () => T; readonly undo: () => void } | undefined
    let thrown: { readonly error: unknown } | undefined
    const error = await this.#written(groupId, () => {
      try {
        const records: GroupRecord[] = []
        const stored = this.#o.log.image(groupId).of(streamsPart).group(groupId)
        const classic = !stored && creates ? this.#emptyClassic(groupId) : undefined
        const effect = decide(stored, records)
        outcome = { effect, undo: classic ? this.#replace(classic, records) : () => {} }
        if (!stored && creates) this.#creating.add(groupId)
        return records
      } catch (refused) {
        thrown = { error: refused }
        return []
      }
    })
    this.#creating.delete(groupId)
    if (thrown) throw thrown.error
    if (error === ErrorCodes.NONE && outcome) return outcome.effect()
    outcome?.undo()
    throw new Refusal(error, 'The group cannot be stored now.')
  }

  async #written(groupId: string, records: () => readonly GroupRecord[]): Promise<ErrorCode> {
    this.#busy.set(groupId, (this.#busy.get(groupId) ?? 0) + 1)
    try {
      return await this.#o.log.write(groupId, records)
    } catch (error) {
      this.#o.logger.error({ group: groupId, error }, 'a streams group cannot be stored')
      return ErrorCodes.UNKNOWN_SERVER_ERROR
    } finally {
      const left = this.#busy.get(groupId)! - 1
      if (left > 0) this.#busy.set(groupId, left)
      else this.#busy.delete(groupId)
    }
  }

  /** The classic group whose place is taken: there is none, or nobody is in it. */
  #emptyClassic(groupId: string): Group | undefined {
    const classic = this.#o.classic.get(groupId)
    if (classic?.state === 'Dead') refuse(ErrorCodes.COORDINATOR_NOT_AVAILABLE, `Group ${groupId} is being deleted.`)
    const other = this.#o.findAny(groupId)
    const isFree = classic ? classic.state === 'Empty' : other === undefined || other.type === 'streams'
    if (!isFree) refuse(ErrorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a streams group.`)
    return classic
  }

  #replace(classic: Group, records: GroupRecord[]): () => void {
    this.#o.classic.handOver(classic.id)
    records.push(classicTombstone(classic.id))
    return () => this.#o.classic.takeOver(restoredGroup(storedGroup(classic)))
  }
}
