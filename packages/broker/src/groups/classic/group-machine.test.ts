import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GroupScript } from '../testing/group-script.ts'
import { emptyGroup, type GroupState } from './group.ts'
import type { GroupEventType } from './group-event.ts'

const toPreparing = 'A joins\nA syncs A=x\nstored\nB joins'.split('\n')

/** How a group with (where it can) a member A gets to each state. In PreparingRebalance, A has not rejoined and B waits. */
const ways: Record<GroupState, readonly string[]> = {
  Empty: [],
  PreparingRebalance: toPreparing,
  CompletingRebalance: toPreparing.slice(0, 1),
  Stable: toPreparing.slice(0, 3),
  Dead: ['delete'],
}

const commands: Record<Exclude<GroupEventType, 'stored' | 'removalFailed' | 'membersChanged'>, string> = {
  join: 'A joins says:new',
  sync: 'A syncs A=y',
  heartbeat: 'A beats',
  commit: 'A commits',
  leave: 'A leaves',
  delete: 'delete',
  sessionExpired: 'A falls',
  joinTimedOut: 'join timeout',
  syncTimedOut: 'sync timeout',
}

/** Every event in every state: what is answered, and the state and generation after it. */
const table: Record<GroupState, Record<GroupEventType, string>> = {
  Empty: {
    join: 'A joined 1, leads A | CompletingRebalance 1',
    sync: 'A UNKNOWN_MEMBER_ID | Empty 0',
    heartbeat: 'A UNKNOWN_MEMBER_ID | Empty 0',
    commit: 'A UNKNOWN_MEMBER_ID | Empty 0',
    leave: 'A left: UNKNOWN_MEMBER_ID | Empty 0',
    delete: 'store | Dead 0',
    sessionExpired: ' | Empty 0',
    membersChanged: ' | Empty 0',
    joinTimedOut: ' | Empty 0',
    syncTimedOut: ' | Empty 0',
    stored: ' | Empty 0',
    removalFailed: ' | Empty 0',
  },
  PreparingRebalance: {
    join: 'A joined 2, leads A B; B joined 2, follows A | CompletingRebalance 2',
    sync: 'A REBALANCE_IN_PROGRESS | PreparingRebalance 1',
    heartbeat: 'A REBALANCE_IN_PROGRESS | PreparingRebalance 1',
    commit: 'A ok | PreparingRebalance 1', // the last chance before its partitions go to somebody else
    leave: 'A left: NONE; B joined 2, leads B | CompletingRebalance 2',
    delete: 'delete NON_EMPTY_GROUP | PreparingRebalance 1',
    sessionExpired: 'B joined 2, leads B | CompletingRebalance 2',
    membersChanged: ' | PreparingRebalance 1',
    joinTimedOut: 'B joined 2, leads B | CompletingRebalance 2',
    syncTimedOut: ' | PreparingRebalance 1',
    stored: ' | PreparingRebalance 1',
    removalFailed: ' | PreparingRebalance 1',
  },
  CompletingRebalance: {
    join: 'A joined 2, leads A | CompletingRebalance 2',
    sync: 'store | CompletingRebalance 1',
    heartbeat: 'A ok | CompletingRebalance 1',
    commit: 'A REBALANCE_IN_PROGRESS | CompletingRebalance 1', // what it owns is being decided
    leave: 'A left: NONE; store | Empty 2',
    delete: 'delete NON_EMPTY_GROUP | CompletingRebalance 1',
    sessionExpired: 'store | Empty 2',
    membersChanged: ' | PreparingRebalance 1',
    joinTimedOut: ' | CompletingRebalance 1',
    syncTimedOut: 'store | Empty 2',
    stored: ' | Stable 1',
    removalFailed: ' | CompletingRebalance 1',
  },
  Stable: {
    join: 'A joined 2, leads A | CompletingRebalance 2',
    sync: 'A got x | Stable 1', // its first answer may have been lost
    heartbeat: 'A ok | Stable 1',
    commit: 'A ok | Stable 1',
    leave: 'A left: NONE; store | Empty 2',
    delete: 'delete NON_EMPTY_GROUP | Stable 1',
    sessionExpired: 'store | Empty 2',
    membersChanged: ' | PreparingRebalance 1',
    joinTimedOut: ' | Stable 1',
    syncTimedOut: ' | Stable 1',
    stored: ' | Stable 1',
    removalFailed: ' | Stable 1',
  },
  Dead: {
    join: 'A COORDINATOR_NOT_AVAILABLE | Dead 0',
    sync: 'A COORDINATOR_NOT_AVAILABLE | Dead 0',
    heartbeat: 'A COORDINATOR_NOT_AVAILABLE | Dead 0',
    commit: 'A COORDINATOR_NOT_AVAILABLE | Dead 0',
    leave: 'A COORDINATOR_NOT_AVAILABLE | Dead 0',
    delete: 'delete GROUP_ID_NOT_FOUND | Dead 0',
    sessionExpired: ' | Dead 0',
    membersChanged: ' | Dead 0',
    joinTimedOut: ' | Dead 0',
    syncTimedOut: ' | Dead 0',
    stored: ' | Dead 0',
    removalFailed: ' | Empty 0',
  },
}

describe('every event in every state', () => {
  for (const [state, rows] of Object.entries(table) as [GroupState, (typeof table)[GroupState]][]) {
    for (const [type, expected] of Object.entries(rows) as [GroupEventType, string][]) {
      test(`${state}: ${type}`, () => {
        const script = new GroupScript()
        for (const command of ways[state]) script.do(command)
        assert.equal(script.group.state, state)
        let answers = ''
        if (type === 'stored') script.send({ type, generation: script.group.generation, error: 0 })
        else if (type === 'removalFailed' || type === 'membersChanged') script.send({ type })
        else answers = script.do(commands[type])
        assert.equal(`${answers} | ${script.where}`, expected)
      })
    }
  }
})

test('a step leaves the group it started from as it was', () => {
  const script = new GroupScript()
  const before = emptyGroup('g', 0)
  script.group = before
  script.do('A joins')
  assert.deepEqual(before, emptyGroup('g', 0))
})
