import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupScript } from '../testing/group-script.ts'
import { restoredGroup, storedGroup } from './stored-group.ts'

/** A and B share a stable group; A leads. */
const pair = `
  A joins               | A joined 1, leads A                               | CompletingRebalance 1
  B joins               |                                                   | PreparingRebalance 1
  A joins               | A joined 2, leads A B; B joined 2, follows A      | CompletingRebalance 2
  B syncs               |                                                   | CompletingRebalance 2
  A syncs A=p0 B=p1     | store                                             | CompletingRebalance 2
  stored                | A got p0; B got p1                                | Stable 2
`

test('a member of today is told its id first and comes back with it', () => {
  const script = new GroupScript().play(`
    A joins v4          | A MEMBER_ID_REQUIRED                              | Empty 0
    A joins v4          | A joined 1, leads A                               | CompletingRebalance 1
    B joins v4          | B MEMBER_ID_REQUIRED                              | CompletingRebalance 1
    A syncs A=p0        | store                                             | CompletingRebalance 1
    stored              | A got p0                                          | Stable 1
    B joins v4          |                                                   | PreparingRebalance 1
    C joins v4          | C MEMBER_ID_REQUIRED                              | PreparingRebalance 1
    A joins             |                                                   | PreparingRebalance 1 // C is expected
    C falls             | A joined 2, leads A B; B joined 2, follows A      | CompletingRebalance 2
  `)
  assert.equal(script.group.pending.size, 0)
})

test('a pending member that never comes does not disturb a stable group', () => {
  new GroupScript().play(pair).play(`
    C joins v4          | C MEMBER_ID_REQUIRED                              | Stable 2
    C falls             |                                                   | Stable 2
  `)
})

test('members who do not come to the rebalance in time are out', () => {
  new GroupScript().play(pair).play(`
    C joins             |                                                   | PreparingRebalance 2
    A beats             | A REBALANCE_IN_PROGRESS                           | PreparingRebalance 2
    A joins             |                                                   | PreparingRebalance 2
    join timeout        | A joined 3, leads A C; C joined 3, follows A      | CompletingRebalance 3
    B beats gen:2       | B UNKNOWN_MEMBER_ID                               | CompletingRebalance 3
    B commits gen:2     | B UNKNOWN_MEMBER_ID                               | CompletingRebalance 3
  `)
})

test('when the leader is gone, the next one leads', () => {
  new GroupScript().play(pair).play(`
    A leaves            | A left: NONE                                      | PreparingRebalance 2
    B joins             | B joined 3, leads B                               | CompletingRebalance 3
  `)
})

test('followers that wait for a leader who falls silent are told to join again', () => {
  new GroupScript().play(pair).play(`
    A joins             |                                                   | PreparingRebalance 2
    B joins             | A joined 3, leads A B; B joined 3, follows A      | CompletingRebalance 3
    B syncs             |                                                   | CompletingRebalance 3
    A falls             | B REBALANCE_IN_PROGRESS                           | PreparingRebalance 3
    B joins             | B joined 4, leads B                               | CompletingRebalance 4
  `)
})

test('a member that joined and never asks for its share is out', () => {
  new GroupScript().play(pair).play(`
    A joins             |                                                   | PreparingRebalance 2
    B joins             | A joined 3, leads A B; B joined 3, follows A      | CompletingRebalance 3
    A syncs A=p0 B=p1   | store                                             | CompletingRebalance 3
    stored              | A got p0                                          | Stable 3
    sync timeout        |                                                   | PreparingRebalance 3
    A joins             | A joined 4, leads A                               | CompletingRebalance 4
  `)
})

test('a follower that joins again unchanged learns its generation; changed, it causes a rebalance', () => {
  new GroupScript().play(pair).play(`
    B joins             | B joined 2, follows A                             | Stable 2
    B joins says:new    |                                                   | PreparingRebalance 2
    A joins             | A joined 3, leads A B; B joined 3, follows A      | CompletingRebalance 3
    A joins             | A joined 3, leads A B                             | CompletingRebalance 3 // its answer was lost
    A joins says:more   |                                                   | PreparingRebalance 3
  `)
})

test('a claim of another generation, of nobody, or of a wrong kind is refused', () => {
  new GroupScript().play(pair).play(`
    A beats gen:1       | A ILLEGAL_GENERATION                              | Stable 2
    A commits gen:1     | A ILLEGAL_GENERATION                              | Stable 2
    A syncs gen:1       | A ILLEGAL_GENERATION                              | Stable 2
    X beats             | X UNKNOWN_MEMBER_ID                               | Stable 2
    X commits id:- gen:-1 | X UNKNOWN_MEMBER_ID                             | Stable 2 // a simple consumer, while members own the partitions
    A syncs type:connect  | A INCONSISTENT_GROUP_PROTOCOL                   | Stable 2
    A syncs protocol:rr   | A INCONSISTENT_GROUP_PROTOCOL                   | Stable 2
    C joins type:connect  | C INCONSISTENT_GROUP_PROTOCOL                   | Stable 2
    C joins knows:rr      | C INCONSISTENT_GROUP_PROTOCOL                   | Stable 2
    C joins session:0     | C INVALID_SESSION_TIMEOUT                       | Stable 2
    C joins id:C          | C UNKNOWN_MEMBER_ID                             | Stable 2
  `)
})

test('anyone who claims no generation may commit to an empty group', () => {
  new GroupScript().play(`
    X commits id:- gen:-1 | X ok                                            | Empty 0
    X commits gen:3       | X UNKNOWN_MEMBER_ID                             | Empty 0
  `)
})

test('the assignor most members like best of those everybody knows is taken', () => {
  const script = new GroupScript().play(`
    A joins knows:range+rr      | A joined 1, leads A         | CompletingRebalance 1
    B joins knows:rr+range      |                             | PreparingRebalance 1
    C joins knows:sticky+rr     |                             | PreparingRebalance 1
    A joins knows:range+rr      | A joined 2, leads A B C; B joined 2, follows A; C joined 2, follows A | CompletingRebalance 2
  `)
  assert.equal(script.group.protocolName, 'rr')
  for (const command of ['B joins knows:range+rr', 'C joins knows:range+rr', 'A joins knows:rr+range'])
    script.do(command)
  assert.equal(script.where, 'CompletingRebalance 3')
  assert.equal(script.group.protocolName, 'range')
})

test('assignments that could not be stored are not handed out', () => {
  new GroupScript().play(pair).play(`
    A joins             |                                                   | PreparingRebalance 2
    B joins             | A joined 3, leads A B; B joined 3, follows A      | CompletingRebalance 3
    A syncs A=p0 B=p1   | store                                             | CompletingRebalance 3
    store fails         | A COORDINATOR_NOT_AVAILABLE                       | PreparingRebalance 3
  `)
})

test('assignments of a generation that was given up meanwhile are not handed out', () => {
  new GroupScript().play(`
    A joins             | A joined 1, leads A                               | CompletingRebalance 1
    A syncs A=p0        | store                                             | CompletingRebalance 1
    B joins             | A REBALANCE_IN_PROGRESS                           | PreparingRebalance 1
    stored              |                                                   | PreparingRebalance 1
    A joins             | A joined 2, leads A B; B joined 2, follows A      | CompletingRebalance 2
  `)
})

const statics = `
  A joins as:i1         | A joined 1, leads A                               | CompletingRebalance 1
  B joins as:i2         |                                                   | PreparingRebalance 1
  A joins as:i1         | A joined 2, leads A B; B joined 2, follows A      | CompletingRebalance 2
  B syncs as:i2         |                                                   | CompletingRebalance 2
  A syncs as:i1 A=p0 B=p1 | store                                           | CompletingRebalance 2
  stored                | A got p0; B got p1                                | Stable 2
`

test('a static member that comes back takes its place without a rebalance, and its old self is fenced', () => {
  const script = new GroupScript().play(statics).play(`
    B2 joins as:i2 says:B | store                                           | Stable 2
    stored                | B2 joined 2, follows A                          | Stable 2
    B2 syncs as:i2        | B2 got p1                                       | Stable 2
    B beats as:i2         | B FENCED_INSTANCE_ID                            | Stable 2
    B commits as:i2       | B FENCED_INSTANCE_ID                            | Stable 2
    B joins as:i2 id:B    | B FENCED_INSTANCE_ID                            | Stable 2
    B beats               | B UNKNOWN_MEMBER_ID                             | Stable 2
    X beats as:i9         | X UNKNOWN_MEMBER_ID                             | Stable 2
  `)
  assert.deepEqual([...script.deadlines.keys()].sort(), ['session:A', 'session:B2'])
})

test('a static leader that comes back need not assign (v9), or is told its old self leads (before)', () => {
  new GroupScript().play(statics).play(`
    A2 joins as:i1 v9     | store                                           | Stable 2
    stored                | A2 joined 2, leads A2 B, need not assign        | Stable 2
    A3 joins as:i1        | store                                           | Stable 2
    stored                | A3 joined 2, follows A2                         | Stable 2
    A3 beats as:i1        | A3 ok                                           | Stable 2
  `)
})

test('a static member that comes back during a rebalance joins it', () => {
  new GroupScript().play(statics).play(`
    C joins               |                                                 | PreparingRebalance 2
    B2 joins as:i2        |                                                 | PreparingRebalance 2
    B3 joins as:i2        | B2 FENCED_INSTANCE_ID                           | PreparingRebalance 2
    A joins as:i1         | A joined 3, leads A B3 C; B3 joined 3, follows A; C joined 3, follows A | CompletingRebalance 3
    B4 joins as:i2        |                                                 | PreparingRebalance 3 // the leader deals for B3
  `)
})

test('the leader stays leader as long as it joins', () => {
  new GroupScript().play(statics).play(`
    C joins               |                                                 | PreparingRebalance 2
    B joins as:i2         |                                                 | PreparingRebalance 2
    join timeout          | B joined 3, leads A B C; C joined 3, follows B  | CompletingRebalance 3
    A joins as:i1         | A joined 3, follows B                           | CompletingRebalance 3
    C joins says:new      |                                                 | PreparingRebalance 3
    A joins as:i1         |                                                 | PreparingRebalance 3
    B joins as:i2         | A joined 4, follows B; B joined 4, leads A B C; C joined 4, follows B | CompletingRebalance 4
  `)
})

test('a static member keeps its place through a rebalance it misses, until its session ends', () => {
  new GroupScript().play(statics).play(`
    C joins               |                                                 | PreparingRebalance 2
    A joins as:i1         |                                                 | PreparingRebalance 2
    join timeout          | A joined 3, leads A B C; C joined 3, follows A  | CompletingRebalance 3
    B falls               |                                                 | PreparingRebalance 3
  `)
})

test('a tool removes static members by their instance id alone', () => {
  new GroupScript().play(statics).play(`
    T leaves id:- as:i2   | T left: NONE                                    | PreparingRebalance 2
    T leaves id:- as:i9   | T left: UNKNOWN_MEMBER_ID                       | PreparingRebalance 2
    T leaves id:B as:i1   | T left: FENCED_INSTANCE_ID                      | PreparingRebalance 2
  `)
})

test('only absent static members are left: the rebalance waits for one of them', () => {
  const script = new GroupScript().play(statics).play(`
    A joins as:i1 says:new |                                                | PreparingRebalance 2
    T leaves id:A as:i1   | A UNKNOWN_MEMBER_ID; T left: NONE               | PreparingRebalance 2
    join timeout          |                                                 | PreparingRebalance 2
  `)
  assert.equal(script.deadlines.get('join'), 60_000)
  script.play('B falls | store | Empty 3')
})

test('the first rebalance of an empty group holds the door open while members come', () => {
  const script = new GroupScript({ initialRebalanceDelayMs: 3_000 }).play(`
    A joins rebalance:5000 |                                                | PreparingRebalance 0
    B joins               |                                                 | PreparingRebalance 0
    join timeout          |                                                 | PreparingRebalance 0
  `)
  assert.equal(script.deadlines.get('join'), 2_000) // 5000 in all
  script.play('join timeout | A joined 1, leads A B; B joined 1, follows A | CompletingRebalance 1')
})

test('a full group turns newcomers away, and a group above its limit shrinks at the next rebalance', () => {
  new GroupScript({ maxSize: 2 }).play(pair).play('C joins | C GROUP_MAX_SIZE_REACHED | Stable 2')
  const shrunk = new GroupScript().play(pair)
  new GroupScript({ maxSize: 1 }, shrunk.group).play(`
    A joins               |                                                 | PreparingRebalance 2
    B joins               | B GROUP_MAX_SIZE_REACHED; A joined 3, leads A   | CompletingRebalance 3
  `)
})

test('a session is suspended while the member waits for us, and begins anew with the answer', () => {
  const script = new GroupScript().play(pair)
  assert.equal(script.deadlines.get('session:B'), 10_000)
  script.do('B joins says:new')
  assert.equal(script.deadlines.has('session:B'), false)
  script.do('B beats')
  assert.equal(script.deadlines.has('session:B'), false)
  script.do('A joins')
  assert.equal(script.deadlines.get('session:B'), 10_000)
  script.do('B syncs')
  assert.equal(script.deadlines.has('session:B'), false)
  script.do('C joins')
  assert.equal(script.deadlines.get('session:B'), 10_000) // it was told to join again
  assert.equal(script.deadlines.get('session:C'), 300_000) // it may have hung up long ago
})

test('heartbeats, commits and the question for its share show that a member lives', () => {
  for (const sign of ['B beats', 'B commits', 'B syncs']) {
    const script = new GroupScript().play(pair)
    script.deadlines.clear()
    script.do(sign)
    assert.deepEqual([...script.deadlines.keys()], ['session:B'], sign)
    script.do(`${sign} gen:1`)
    script.do(`X${sign.slice(1)}`)
    assert.equal(script.deadlines.size, 1)
  }
})

test('members have the time of a rebalance to ask for their share', () => {
  const script = new GroupScript().play(pair)
  assert.equal(script.deadlines.has('sync'), false)
  script.do('A joins')
  script.do('B joins')
  assert.equal(script.deadlines.get('sync'), 60_000)
  assert.equal(script.deadlines.has('join'), false)
  script.do('B syncs')
  script.do('C joins')
  assert.equal(script.deadlines.has('sync'), false)
  assert.equal(script.deadlines.get('join'), 60_000)
})

test('a request sent again while the first one waits answers the first one', () => {
  new GroupScript().play(pair).play(`
    B joins says:new      |                                                 | PreparingRebalance 2
    B joins says:new      | B REBALANCE_IN_PROGRESS                         | PreparingRebalance 2
    A joins               | A joined 3, leads A B; B joined 3, follows A    | CompletingRebalance 3
    B syncs               |                                                 | CompletingRebalance 3
    B syncs               | B REBALANCE_IN_PROGRESS                         | CompletingRebalance 3
  `)
})

test('a group that was stored goes on after a restart: same generation, members, assignments', () => {
  const before = new GroupScript().play(statics)
  const after = new GroupScript({}, restoredGroup(storedGroup(before.group)))
  after.play(`
    A beats as:i1         | A ok                                            | Stable 2
    B syncs as:i2         | B got p1                                        | Stable 2
    B2 joins as:i2        | store                                           | Stable 2
    stored                | B2 joined 2, follows A                          | Stable 2
  `)
})
