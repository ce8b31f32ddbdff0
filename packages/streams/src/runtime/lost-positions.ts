import { type EngineHooks, keyOf, type TopicPartition } from '@odradek/client'

/**
 * Partitions that cannot be read on from where a reader was: their log was cut behind it, or another topic has the name by now. The
 * engine goes on at the earliest record; what was made of the former ones is of no use (streams facts 2.34).
 */
export class LostPositions {
  readonly #lost = new Map<string, string>()
  /** What topics were when reading began. */
  readonly #ids = new Map<string, string>()
  readonly #idOf: (topic: string) => string | undefined

  /** `idOf`: the id of a topic as far as it is known without asking. */
  constructor(idOf: (topic: string) => string | undefined) {
    this.#idOf = idOf
  }

  /** For the engine that reads. */
  readonly hooks: EngineHooks = {
    onPositionLost: lost => {
      this.#lost.set(keyOf(lost), lost.reason)
      return 'earliest'
    },
  }

  /** Reading begins: whatever was lost before does not count. */
  began(at: TopicPartition, topicId = this.#idOf(at.topic)): void {
    this.#lost.delete(keyOf(at))
    if (topicId !== undefined) this.#ids.set(keyOf(at), topicId)
    else this.#ids.delete(keyOf(at))
  }

  /** Why a partition that is read is lost; asked after each poll, before its records are taken. */
  reasonOf(at: TopicPartition): string | undefined {
    const before = this.#ids.get(keyOf(at))
    const now = before && this.#idOf(at.topic)
    return now && now !== before ? 'the topic was deleted and made anew' : this.#lost.get(keyOf(at))
  }
}
