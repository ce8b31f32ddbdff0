/** Sends at a steady rate with a bounded number of records open: while nobody answers it stands still, afterwards it does not catch up. */
export class PacedProducer {
  readonly #send: (n: number) => Promise<void>
  readonly #perTick: number
  readonly #mostOpen: number
  #open = 0
  #next = 0

  constructor(send: (n: number) => Promise<void>, pace: { readonly perSecond: number; readonly mostOpen: number }) {
    this.#send = send
    this.#perTick = (pace.perSecond * tickMs) / 1000
    this.#mostOpen = pace.mostOpen
  }

  /** Resolves when it was told to stop and everything sent has been answered. */
  run(stop: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      let due = 0
      const timer = setInterval(() => {
        if (stop.aborted) {
          if (this.#open > 0) return
          clearInterval(timer)
          resolve()
          return
        }
        due = Math.min(due + this.#perTick, this.#perTick * 5)
        for (; due >= 1 && this.#open < this.#mostOpen; due--) this.#one()
      }, tickMs)
    })
  }

  #one(): void {
    this.#open++
    void this.#send(this.#next++).finally(() => this.#open--)
  }
}

const tickMs = 20
