import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextPhase, type Phase, type PhaseEvent } from './transaction-phase.ts'

const events: PhaseEvent[] = ['begin', 'named', 'unnamed', 'end', 'ended', 'lapsed', 'fatal', 'close']

/** What follows each event in the order above; `-`: cannot happen. */
const table: Record<Phase, string> = {
  nameless: 'naming - - - - - - closed',
  naming: '- open nameless - - - failed closed',
  named: 'naming - - - - - - closed',
  open: '- - - ending - - failed closed',
  ending: '- - - - named nameless failed closed',
  failed: '- - - - - - - closed',
  closed: '- closed closed closed closed closed closed -',
}

test('the life of a transactional producer', () => {
  for (const [phase, row] of Object.entries(table)) {
    const found = events.map(event => nextPhase(phase as Phase, event) ?? '-')
    assert.equal(found.join(' '), row, phase)
  }
})

test('a producer that has failed or is closed begins nothing, whatever happens to it', () => {
  for (const end of ['failed', 'closed'] as const) {
    const reachable = new Set<Phase>([end])
    for (const phase of reachable)
      for (const event of events) {
        const next = nextPhase(phase, event)
        if (next) reachable.add(next)
      }
    assert.equal([...reachable].includes('open'), false, end)
  }
})
