/** Names as Kafka Streams makes them: a prefix and one counter for all, ten digits. Topics are named after them, so they must be equal. */
export class NodeNames {
  #next = 0

  /** A name that was given is taken, and uses up a number all the same: the nodes after it keep theirs. */
  node(prefix: string, given?: string): string {
    const number = this.#number()
    return given ?? `${prefix}${number}`
  }

  store(prefix: string): string {
    return `${prefix}STATE-STORE-${this.#number()}`
  }

  #number(): string {
    return String(this.#next++).padStart(10, '0')
  }
}
