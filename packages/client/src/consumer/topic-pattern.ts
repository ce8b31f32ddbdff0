/**
 * Topics named by a regular expression. A broker that matches them itself gets the expression as RE2 writes it; elsewhere all topics
 * are listed from time to time, and matched here. Either way a topic matches when `pattern.test(name)` says so.
 */
import type { Timer } from '@odradek/world'
import { abandonable } from '../cluster/abandon.ts'
import type { Cluster } from '../cluster/cluster.ts'

/** Brokers match whole names; an expression without anchors is looked for anywhere in the name. */
export function asRe2({ source, flags }: RegExp): string {
  return `${flags.includes('i') ? '(?i)' : ''}.*(?:${source}).*`
}

export interface TopicPatternOptions {
  readonly cluster: Cluster
  readonly pattern: RegExp
  readonly everyMs: number
  /** Sorted, and without the topics that brokers keep for themselves. Called when they have changed, and the first time. */
  readonly onTopics: (names: readonly string[]) => void
  readonly onFailure: (error: unknown) => void
}

const failurePauseMs = 1_000

export class TopicPattern {
  readonly #options: TopicPatternOptions
  readonly #pattern: RegExp
  readonly #closing = new AbortController()
  #timer: Timer | undefined
  #names: readonly string[] | undefined

  constructor(options: TopicPatternOptions) {
    this.#options = options
    // Without the flags that make `test` remember where it stopped.
    this.#pattern = new RegExp(options.pattern.source, options.pattern.flags.replace(/[gy]/g, ''))
    void this.#look()
  }

  close(): void {
    this.#closing.abort(new Error('closed'))
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    const { cluster, everyMs, onTopics, onFailure } = this.#options
    const { signal } = this.#closing
    let pause = everyMs
    try {
      const { topics } = await abandonable(cluster.describe(null, { signal }), signal)
      const names = topics.filter(({ name, isInternal }) => !isInternal && this.#pattern.test(name)).map(t => t.name)
      names.sort()
      const isSame = this.#names?.join() === names.join()
      this.#names = names
      if (!isSame) onTopics(names)
    } catch (error) {
      if (signal.aborted) return
      onFailure(error)
      pause = Math.min(failurePauseMs, everyMs)
    }
    if (!signal.aborted) this.#timer = cluster.clock.timer(pause, () => void this.#look())
  }
}
