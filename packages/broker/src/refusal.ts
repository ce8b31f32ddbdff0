import { type ErrorCode, ProtocolError } from '@odradek/protocol'

/** A request, or one topic of it, is refused: the code, and one sentence for whoever reads the answer. */
export class Refusal extends ProtocolError {
  readonly sentence: string

  constructor(code: ErrorCode, sentence: string) {
    super(code, { message: sentence })
    this.sentence = sentence
  }
}
