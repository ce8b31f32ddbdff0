/** Names as Kafka Streams makes them: a prefix and one counter for all, ten digits. Topics are named after them, so they must be equal. */
export class NodeNames {
  #next = 0

  node(prefix: string): string {
    return `${prefix}${this.#number()}`
  }

  store(prefix: string): string {
    return `${prefix}STATE-STORE-${this.#number()}`
  }

  #number(): string {
    return String(this.#next++).padStart(10, '0')
  }
}
