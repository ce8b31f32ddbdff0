import { KafkaError } from '@odradek/protocol'

/** A regular expression that RE2 would not take either. */
export class RegexError extends KafkaError {
  constructor(what: string) {
    super('INVALID_REGULAR_EXPRESSION', `The regular expression has ${what}; write it in the syntax of RE2.`)
  }
}
