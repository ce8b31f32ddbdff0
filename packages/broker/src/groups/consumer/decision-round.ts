/**
 * What has come for a group while its last write was under way, decided one after the other on a draft of it, to be written at once.
 *
 * Members that join or change are written down first, and the target is dealt once for all of them: a thousand that come together cost
 * one assignment, not a thousand.
 */
import { ErrorCodes } from '@odradek/protocol'
import type { Logger } from '../../logger.ts'
import { Refusal, refuse } from '../../refusal.ts'
import type { ClassicGroups } from '../classic/classic-groups.ts'
import type { Group } from '../classic/group.ts'
import { restoredGroup, storedGroup } from '../classic/stored-group.ts'
import type { GroupRecord } from '../group-records.ts'
import type { CoordinatedGroup, MaybeLater } from '../group-types.ts'
import { updateTarget } from './assigning.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { groupTombstones } from './consumer-part.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import { ConsumerTurn, type Surroundings } from './consumer-turn.ts'
import { upgrade } from './upgrade.ts'

export interface Matter<T = unknown> {
  /**
   * May be called more than once, and only the last time counts. Throws a Refusal. What it returns gives the answer, and is called when the
   * target is up to date; for others than heartbeats at once.
   */
  decide(turn: ConsumerTurn): () => T
  /** A heartbeat: the answer takes an assignment. */
  readonly assigns?: boolean
  /** 'new': creates the group, or makes it of a classic one. 'classic': an empty group becomes a classic one. */
  readonly joins?: 'new' | 'classic'
  /** Who answers when the group is a classic one, or none. Without it the group is unknown then. */
  ifClassic?(): MaybeLater<T>
  /** It is certain to change something. */
  readonly isChange?: boolean
}

export interface Waiting {
  readonly matter: Matter
  readonly done: (answer: unknown) => void
  readonly fail: (reason: unknown) => void
}

export interface RoundOptions {
  readonly logger: Logger
  readonly classic: ClassicGroups
  readonly around: Surroundings
  /** A group of whatever kind. */
  findAny(groupId: string): CoordinatedGroup | undefined
  /** It is written, and the deadlines of the turn count. */
  settle(waiting: Waiting, turn: ConsumerTurn, answer: unknown): void
  /** There is no such group, or a classic one. */
  forward(waiting: Waiting): void
}

export class DecisionRound {
  readonly #o: RoundOptions
  readonly #groupId: string
  #base: ConsumerGroup | undefined
  #draft: ConsumerGroup | null = null
  #open: { readonly waiting: Waiting; readonly turn: ConsumerTurn; readonly answer: () => unknown }[] = []
  readonly records: GroupRecord[] = []
  /** Whom it concerns, and what happens when everything is durable. */
  readonly outcomes: { readonly waiting: Waiting; readonly effect: () => void }[] = []
  /** The group comes into being, or becomes one of another kind. */
  isChangeOfKind = false
  /** When it cannot be written. */
  undo: () => void = () => {}

  constructor(groupId: string, group: ConsumerGroup | undefined, options: RoundOptions) {
    this.#groupId = groupId
    this.#base = group
    this.#o = options
  }

  /** Those that are left when the group becomes one of another kind: they are decided when that is durable. */
  decide(all: readonly Waiting[]): readonly Waiting[] {
    let left: readonly Waiting[] = []
    for (const [i, waiting] of all.entries()) {
      if (this.#becomesClassicFor(waiting)) left = all.slice(i)
      else if (this.#take(waiting)) left = all.slice(i + 1)
      else continue
      break
    }
    this.#close()
    return left
  }

  /** A classic member joins a group without members. */
  #becomesClassicFor({ matter }: Waiting): boolean {
    const group = this.#draft ?? this.#base
    if (matter.joins !== 'classic' || !group || group.members.size > 0) return false
    this.records.push(...groupTombstones(group))
    this.isChangeOfKind = true
    return true
  }

  /** True: the group has become a classic one. */
  #take(waiting: Waiting): boolean {
    const { matter } = waiting
    if (!matter.assigns) this.#close()
    if (!this.#base && matter.joins !== 'new') {
      this.outcomes.push({ waiting, effect: () => this.#o.forward(waiting) })
      return false
    }
    try {
      const turn = this.#decided(waiting)
      this.#draft = turn.draft
      if (!matter.assigns) this.#close()
      return turn.becomes !== null
    } catch (error) {
      this.#refused(waiting, error)
      return false
    }
  }

  #decided(waiting: Waiting): ConsumerTurn {
    const isNew = this.#base === undefined
    const classic = isNew ? this.#classic() : undefined
    const base = this.#base ?? new ConsumerGroup(this.#groupId)
    const turn = new ConsumerTurn(base, this.#o.around, this.#draft)
    if (classic) upgrade(turn, classic)
    const answer = waiting.matter.decide(turn)
    if (isNew) {
      this.#base = base
      this.isChangeOfKind = true
    }
    if (classic) {
      this.#o.classic.handOver(classic.id)
      this.undo = () => this.#o.classic.takeOver(restoredGroup(storedGroup(classic)))
    }
    this.records.push(...turn.records.splice(0))
    this.#open.push({ waiting, turn, answer })
    return turn
  }

  #classic(): Group | undefined {
    const group = this.#o.classic.get(this.#groupId)
    if (group?.state === 'Dead')
      refuse(ErrorCodes.COORDINATOR_NOT_AVAILABLE, `Group ${this.#groupId} is being deleted.`)
    const other = group ? undefined : this.#o.findAny(this.#groupId)
    if (other && other.type !== 'consumer')
      refuse(ErrorCodes.GROUP_ID_NOT_FOUND, `Group ${this.#groupId} is not a consumer group.`)
    return group
  }

  /** Deals the target, if that is needed, and gives the answers that waited for it. */
  #close(): void {
    const open = this.#open
    if (open.length === 0) return
    this.#open = []
    if (open.some(({ waiting }) => waiting.matter.assigns)) {
      const assigning = new ConsumerTurn(this.#base!, this.#o.around, this.#draft)
      updateTarget(assigning)
      this.#keep(assigning)
    }
    for (const { waiting, turn, answer } of open) {
      turn.continueOn(this.#draft)
      const given = answer()
      this.#keep(turn)
      this.outcomes.push({ waiting, effect: () => this.#o.settle(waiting, turn, given) })
    }
  }

  #keep(turn: ConsumerTurn): void {
    this.#draft = turn.draft
    this.records.push(...turn.records)
  }

  #refused(waiting: Waiting, error: unknown): void {
    if (!(error instanceof Refusal))
      this.#o.logger.error({ group: this.#groupId, error }, 'a request cannot be decided')
    this.outcomes.push({ waiting, effect: () => waiting.fail(error) })
    // It may have written something before it was refused.
    if (this.#base && this.#draft) this.#draft = replayed(this.#base, this.records)
  }
}

function replayed(base: ConsumerGroup, records: readonly GroupRecord[]): ConsumerGroup {
  const draft = base.draft()
  for (const record of records) if (record.kind === 'consumer') draft.apply(record as ConsumerRecord)
  return draft
}
