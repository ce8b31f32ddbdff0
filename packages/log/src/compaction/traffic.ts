/** How many turns of appends an engine has had: counted on its thread, seen by the thread of its cleaner. Wraps around. */
export class Traffic {
  /** To be handed to another thread. */
  readonly shared: SharedArrayBuffer
  readonly #turns: Int32Array

  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared
    this.#turns = new Int32Array(shared)
  }

  note(): void {
    Atomics.add(this.#turns, 0, 1)
  }

  get turns(): number {
    return Atomics.load(this.#turns, 0)
  }
}
