import { type ErrorCode, ProtocolError } from '@odradek/protocol'

/** A request, or one topic of it, is refused: the code, and one sentence for whoever reads the answer. */
export class Refusal extends ProtocolError {
  readonly sentence: string

  constructor(code: ErrorCode, sentence: string) {
    super(code, { message: sentence })
    this.sentence = sentence
  }
}

/** For whoever decides as an expression. */
export function refuse(code: ErrorCode, sentence: string): never {
  throw new Refusal(code, sentence)
}

/** What one item of a request is answered when it failed with a code; anything else fails the whole request. */
export function refusedItem(error: unknown): { errorCode: ErrorCode; errorMessage: string } {
  if (!(error instanceof ProtocolError)) throw error
  return { errorCode: error.errorCode, errorMessage: error instanceof Refusal ? error.sentence : error.message }
}
