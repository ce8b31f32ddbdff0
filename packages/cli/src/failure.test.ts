import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure } from './failure.ts'

test('what the system refuses is told in one sentence, not as a bug with its place', () => {
  for (const code of ['EACCES', 'ENOENT', 'EISDIR', 'EMFILE', 'ENOSPC', 'EIO', 'EROFS']) {
    const error = Object.assign(new Error(`${code}: refused, fsync`), { code, syscall: 'fsync' })
    const { message, exitCode } = describeFailure(error)
    assert.match(message, /^[^\n]+\.$/, code)
    assert.equal(exitCode, 2, code)
  }
  assert.match(describeFailure(new Error('a bug')).message, /failure\.test/)
})
