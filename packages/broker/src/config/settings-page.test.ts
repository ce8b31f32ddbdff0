import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../refusal.ts'
import { BrokerConfig } from './broker-config.ts'
import { ConfigOperations, changed } from './config-change.ts'
import { describedBrokerConfig } from './described-config.ts'
import { settingsPage } from './settings-page.ts'

test('docs/settings.md says what the tables say', () => {
  const page = readFileSync(new URL('../../../../docs/settings.md', import.meta.url), 'utf8')
  assert.equal(page, settingsPage(), 'run: node packages/broker/src/config/settings-page.ts > docs/settings.md')
  assert.match(page, /\| `log\.cleaner\.io\.max\.bytes\.per\.second` \| no limit \| live \|/)
})

test('a setting is shown as read-only when, and only when, a running broker refuses to change it', () => {
  for (const { name, value, readOnly } of describedBrokerConfig('0', new BrokerConfig())) {
    const change = { name, configOperation: ConfigOperations.SET, value: value ?? '1' }
    const isRefused = isRefusal(() => changed('broker', {}, () => '', [change]), ErrorCodes.INVALID_REQUEST)
    assert.equal(readOnly, isRefused, name)
  }
})

function isRefusal(act: () => unknown, code: number): boolean {
  try {
    act()
    return false
  } catch (error) {
    return error instanceof Refusal && error.errorCode === code
  }
}
