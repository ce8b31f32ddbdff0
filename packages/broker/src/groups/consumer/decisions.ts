/**
 * Where requests and deadlines meet the rules. A question that changes nothing is answered at once from what is durable. One that
 * changes something waits its turn, and takes along whatever else has come for its group: one write for all of them. When the write
 * fails they are refused, and the group is as it was: there is nothing to take back.
 *
 *     question → rules → records ──durable──▶ group, deadlines, answer
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Logger } from '../../logger.ts'
import { Refusal, refuse } from '../../refusal.ts'
import type { ClassicGroups } from '../classic/classic-groups.ts'
import type { GroupLog } from '../group-log.ts'
import type { GroupRecord } from '../group-records.ts'
import type { CoordinatedGroup, MaybeLater } from '../group-types.ts'
import type { TopicsView } from '../topics-view.ts'
import { updateTarget } from './assigning.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { consumerPart } from './consumer-part.ts'
import type { ConsumerSettings } from './consumer-settings.ts'
import { ConsumerTurn, type DeadlineChange, type Surroundings } from './consumer-turn.ts'
import { DecisionRound, type Matter, type Waiting } from './decision-round.ts'

/** What is decided together is written together, and a write has to fit into a batch. */
const roundSize = 500

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
      const turn = new ConsumerTurn(group, this.#around(groupId))
      const answer = matter.decide(turn)
      if (turn.records.length === 0) {
        if (matter.assigns) updateTarget(turn)
        const given = answer()
        if (turn.records.length === 0) {
          this.#changeDeadlines(turn)
          return given
        }
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
      const round: { taken: Waiting[]; is?: DecisionRound } = { taken: [] }
      const error = await this.#written(groupId, () => {
        const decided = new DecisionRound(groupId, this.#durable(groupId), this.#roundOptions(groupId))
        round.taken = queue.splice(0, roundSize)
        const left = decided.decide(round.taken)
        queue.unshift(...left)
        if (decided.isChangeOfKind) this.#changing.add(groupId)
        round.is = decided
        return decided.records
      })
      this.#changing.delete(groupId)
      if (error === ErrorCodes.NONE) for (const { effect } of round.is!.outcomes) effect()
      else {
        round.is?.undo()
        const refusal = new Refusal(error, 'The group cannot be stored now.')
        for (const { fail } of new Set([...round.taken, ...queue.splice(0)])) fail(refusal)
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

  #roundOptions(groupId: string): ConstructorParameters<typeof DecisionRound>[2] {
    const { logger, classic } = this.#o
    return {
      logger,
      classic,
      around: this.#around(groupId),
      findAny: id => this.#o.findAny(id),
      settle: (waiting, turn, answer) => this.#settle(waiting, turn, answer),
      forward: waiting => this.#forward(groupId, waiting),
    }
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

  #around(groupId: string): Surroundings {
    const { clock, topics } = this.#o
    return { settings: this.#o.settingsOf(groupId), topics, now: clock.now() }
  }

  #changeDeadlines({ group, deadlines }: ConsumerTurn): void {
    for (const change of deadlines) this.#o.changeDeadline(group.id, change)
  }

  #durable(groupId: string): ConsumerGroup | undefined {
    return this.#o.log.image(groupId).of(consumerPart).group(groupId)
  }
}
