/**
 * Where requests and deadlines meet the rules. A question that changes nothing is answered at once from what is durable. One that
 * changes something waits its turn, and takes along whatever else has come for its group: one write for all of them, decided one after the
 * other on a draft of the group. When the write fails they are refused, and the group is as it was: there is nothing to take back.
 *
 *     question → rules → records ──durable──▶ group, deadlines, answer
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Logger } from '../../logger.ts'
import { Refusal } from '../../refusal.ts'
import type { ClassicGroups } from '../classic/classic-groups.ts'
import type { Group } from '../classic/group.ts'
import { restoredGroup, storedGroup } from '../classic/stored-group.ts'
import type { GroupLog } from '../group-log.ts'
import type { GroupRecord } from '../group-records.ts'
import type { CoordinatedGroup, MaybeLater } from '../group-types.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { consumerPart, groupTombstones } from './consumer-image.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import { ConsumerTurn, type DeadlineChange, refuse } from './consumer-turn.ts'
import type { TopicsView } from './topics-view.ts'
import { upgrade } from './upgrade.ts'

export interface Matter<T = unknown> {
  /** May be called more than once, and only the last time counts. Throws a Refusal. */
  decide(turn: ConsumerTurn): T
  /** 'new': creates the group, or makes it of a classic one. 'classic': an empty group becomes a classic one. */
  readonly joins?: 'new' | 'classic'
  /** Who answers when the group is a classic one, or none. Without it the group is unknown then. */
  ifClassic?(): MaybeLater<T>
  /** It is certain to change something. */
  readonly isChange?: boolean
}

interface Waiting {
  readonly matter: Matter
  readonly done: (answer: unknown) => void
  readonly fail: (reason: unknown) => void
}

/** What came of a matter: it takes effect when everything is durable. */
interface Outcome {
  readonly waiting: Waiting
  readonly effect: () => void
}

export interface DecisionsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly log: GroupLog
  readonly classic: ClassicGroups
  readonly topics: TopicsView
  settingsOf(groupId: string): ConsumerSettings
  /** A group of whatever kind. */
  findAny(groupId: string): CoordinatedGroup | undefined
  changeDeadline(groupId: string, change: DeadlineChange): void
}

export class Decisions {
  readonly #o: DecisionsOptions
  readonly #queues = new Map<string, Waiting[]>()
  /** Groups that come into being, or change their kind, by the write that is under way. */
  readonly #changing = new Set<string>()

  constructor(options: DecisionsOptions) {
    this.#o = options
  }

  isChanging(groupId: string): boolean {
    return this.#changing.has(groupId)
  }

  /** Rejects, or throws, what the rules throw; a Refusal when it cannot be written. */
  ask<T>(groupId: string, matter: Matter<T>): MaybeLater<T> {
    if (!matter.isChange && !this.#queues.has(groupId)) {
      const group = this.#durable(groupId)
      if (!group) return this.#withoutGroup(groupId, matter)
      const turn = this.#turn(group, null)
      const answer = matter.decide(turn)
      if (turn.records.length === 0) {
        this.#changeDeadlines(turn)
        return answer
      }
    }
    return new Promise<T>((done, fail) => {
      const waiting = { matter, done: done as (answer: unknown) => void, fail }
      const queue = this.#queues.get(groupId)
      if (queue) queue.push(waiting)
      else {
        this.#queues.set(groupId, [waiting])
        void this.#work(groupId)
      }
    })
  }

  async #work(groupId: string): Promise<void> {
    const queue = this.#queues.get(groupId)!
    while (queue.length > 0) {
      let round: Round | null = null
      const error = await this.#written(groupId, () => {
        round = this.#decideAll(groupId, queue.splice(0))
        return round.records
      })
      const { outcomes, again, undo } = (round as Round | null) ?? {
        outcomes: [],
        again: queue.splice(0),
        undo: nothing,
      }
      this.#changing.delete(groupId)
      if (error === ErrorCodes.NONE) {
        for (const { effect } of outcomes) effect()
        queue.unshift(...again)
      } else {
        undo()
        const refusal = new Refusal(error, 'The group cannot be stored now.')
        for (const { fail } of [...outcomes.map(({ waiting }) => waiting), ...again]) fail(refusal)
      }
    }
    this.#queues.delete(groupId)
  }

  async #written(groupId: string, records: () => readonly GroupRecord[]): Promise<ErrorCode> {
    try {
      return await this.#o.log.write(groupId, records)
    } catch (error) {
      this.#o.logger.error({ group: groupId, error }, 'a consumer group cannot be stored')
      return ErrorCodes.UNKNOWN_SERVER_ERROR
    }
  }

  #decideAll(groupId: string, waiting: readonly Waiting[]): Round {
    const round: Round = { records: [], outcomes: [], again: [], undo: nothing }
    let draft: ConsumerGroup | null = null
    let base = this.#durable(groupId)
    for (const [i, each] of waiting.entries()) {
      const { matter } = each
      try {
        if (matter.joins === 'classic' && base && (draft ?? base).members.size === 0) {
          round.records.push(...groupTombstones(draft ?? base))
          return this.#changes(groupId, round, waiting.slice(i))
        }
        if (!base && matter.joins !== 'new') {
          round.outcomes.push({ waiting: each, effect: () => this.#forward(groupId, each) })
          continue
        }
        const classic = base ? undefined : this.#classicOf(groupId)
        const turn: ConsumerTurn = this.#turn(base ?? new ConsumerGroup(groupId), draft)
        if (classic) upgrade(turn, classic)
        const answer = matter.decide(turn)
        if (!base) {
          base = new ConsumerGroup(groupId)
          this.#changes(groupId, round, [])
          if (classic) round.undo = this.#handedOver(classic)
        }
        draft = turn.draft
        round.records.push(...turn.records)
        round.outcomes.push({ waiting: each, effect: () => this.#settle(each, turn, answer) })
        if (turn.becomes) return this.#changes(groupId, round, waiting.slice(i + 1))
      } catch (error) {
        if (!(error instanceof Refusal))
          this.#o.logger.error({ group: groupId, error }, 'a request could not be decided')
        round.outcomes.push({ waiting: each, effect: () => each.fail(error) })
        // It may have written something before it was refused.
        if (base && draft) draft = replayed(base, round.records)
      }
    }
    return round
  }

  /** The kind of the group is another when this is durable; the rest is decided then. */
  #changes(groupId: string, round: Round, again: readonly Waiting[]): Round {
    this.#changing.add(groupId)
    round.again.push(...again)
    return round
  }

  #handedOver(classic: Group): () => void {
    this.#o.classic.handOver(classic.id)
    return () => this.#o.classic.takeOver(restoredGroup(storedGroup(classic)))
  }

  #classicOf(groupId: string): Group | undefined {
    const group = this.#o.classic.get(groupId)
    if (group?.state === 'Dead') refuse(ErrorCodes.COORDINATOR_NOT_AVAILABLE, `Group ${groupId} is being deleted.`)
    const other = group ? undefined : this.#o.findAny(groupId)
    if (other && other.type !== 'consumer')
      refuse(ErrorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
    return group
  }

  #settle({ done }: Waiting, turn: ConsumerTurn, answer: unknown): void {
    this.#changeDeadlines(turn)
    if (turn.becomes) this.#o.classic.takeOver(turn.becomes.group, turn.becomes)
    done(answer)
  }

  #forward(groupId: string, { matter, done, fail }: Waiting): void {
    try {
      Promise.resolve(this.#withoutGroup(groupId, matter)).then(done, fail)
    } catch (error) {
      fail(error)
    }
  }

  #withoutGroup<T>(groupId: string, matter: Matter<T>): MaybeLater<T> {
    return matter.ifClassic?.() ?? refuse(ErrorCodes.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  }

  #turn(group: ConsumerGroup, draft: ConsumerGroup | null): ConsumerTurn {
    const { clock, topics } = this.#o
    return new ConsumerTurn(group, { settings: this.#o.settingsOf(group.id), topics, now: clock.now() }, draft)
  }

  #changeDeadlines({ group, deadlines }: ConsumerTurn): void {
    for (const change of deadlines) this.#o.changeDeadline(group.id, change)
  }

  #durable(groupId: string): ConsumerGroup | undefined {
    return this.#o.log.image(groupId).of(consumerPart).group(groupId)
  }
}

interface Round {
  readonly records: GroupRecord[]
  readonly outcomes: Outcome[]
  /** To be decided when this is durable. */
  readonly again: Waiting[]
  undo: () => void
}

const nothing = (): void => {}

function replayed(base: ConsumerGroup, records: readonly GroupRecord[]): ConsumerGroup {
  const draft = base.draft()
  for (const record of records) if (record.kind === 'consumer') draft.apply(record as ConsumerRecord)
  return draft
}
