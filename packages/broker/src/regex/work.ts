/**
 * How much may be done for expressions before others get their turn. One unit is one look at a step or one known way of a character,
 * 5 to 20 ns.
 */
export class Work {
  left: number

  constructor(left: number) {
    this.left = left
  }
}

/** Some tens of milliseconds. A character costs at most four units a step of the program (2,000), so the longest name of a topic (249)
 * takes no more than this, and each turn gets on. */
export const workOfTurn = 2_100_000

/** An expression that would need more turns than these is refused. */
export const maxTurns = 20
