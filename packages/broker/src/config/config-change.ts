import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../refusal.ts'
import { isBrokerSetting } from './broker-config.ts'
import { brokerSettings } from './broker-settings.ts'
import { isGroupSetting, wrongGroupConfig } from './group-config.ts'
import { groupSettings } from './group-settings.ts'
import { parseSetting, type Setting } from './setting.ts'
import { isTopicSetting, wrongTopicConfig } from './topic-config.ts'
import { topicSettings } from './topic-settings.ts'

/** How AlterConfigs and IncrementalAlterConfigs change what was set. The functions here decide; they throw a Refusal for a bad change. */
export type Overrides = Readonly<Record<string, string>>

export const ConfigOperations = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigChange {
  name: string
  configOperation: number
  value: string | null
}

export type ConfigKind = 'topic' | 'broker' | 'group'

/** AlterConfigs: everything that was set is replaced. */
export function replaced(kind: ConfigKind, given: readonly { name: string; value: string | null }[]): Overrides {
  const overrides: Record<string, string> = {}
  for (const { name, value } of given) {
    if (value === null) throw new Refusal(ErrorCodes.INVALID_REQUEST, `Null value not supported for: ${name}`)
    overrides[name] = value
  }
  return checked(kind, overrides, {})
}

/** IncrementalAlterConfigs: single settings are set, unset, or changed in their list. */
export function changed(
  kind: ConfigKind,
  now: Overrides,
  inForce: (name: string) => string,
  changes: readonly ConfigChange[],
): Overrides {
  const overrides: Record<string, string> = { ...now }
  const names = changes.map(change => change.name)
  for (const { name, configOperation, value } of changes) {
    if (names.indexOf(name) !== names.lastIndexOf(name)) {
      throw new Refusal(ErrorCodes.INVALID_REQUEST, `Setting ${name} is changed more than once in this request.`)
    }
    if (configOperation === ConfigOperations.DELETE) {
      delete overrides[name]
      continue
    }
    if (value === null) throw new Refusal(ErrorCodes.INVALID_REQUEST, `Null value not supported for: ${name}`)
    overrides[name] =
      configOperation === ConfigOperations.SET ? value : changedList(kind, name, configOperation, inForce(name), value)
  }
  return checked(kind, overrides, now)
}

function changedList(kind: ConfigKind, name: string, operation: number, inForce: string, value: string): string {
  if (operation !== ConfigOperations.APPEND && operation !== ConfigOperations.SUBTRACT) {
    throw new Refusal(ErrorCodes.INVALID_REQUEST, `Unknown operation ${operation} on ${name}.`)
  }
  if (settingOf(kind, name)?.type !== 'list') {
    throw new Refusal(ErrorCodes.INVALID_CONFIG, `Config value append is not allowed for config key: ${name}`)
  }
  const items = inForce === '' ? [] : inForce.split(',')
  const given = value.split(',').map(item => item.trim())
  if (operation === ConfigOperations.SUBTRACT) return items.filter(item => !given.includes(item)).join(',')
  return [...items, ...given.filter(item => !items.includes(item))].join(',')
}

function settingOf(kind: ConfigKind, name: string): Setting | undefined {
  if (kind === 'topic') return isTopicSetting(name) ? topicSettings[name] : undefined
  if (kind === 'group') return isGroupSetting(name) ? groupSettings[name] : undefined
  return isBrokerSetting(name) ? brokerSettings[name] : undefined
}

function checked(kind: ConfigKind, overrides: Overrides, now: Overrides): Overrides {
  const wrong =
    kind === 'topic'
      ? wrongTopicConfig(overrides)
      : kind === 'group'
        ? wrongGroupConfig(overrides)
        : wrongBrokerConfig(overrides, now)
  if (wrong) throw new Refusal(ErrorCodes.INVALID_CONFIG, wrong)
  return overrides
}

function wrongBrokerConfig(overrides: Overrides, now: Overrides): string | undefined {
  for (const [name, text] of Object.entries(overrides)) {
    if (now[name] === text) continue
    const setting = settingOf('broker', name)
    if (!setting) return `There is no broker setting ${name}.`
    if (!setting.dynamic) {
      throw new Refusal(
        ErrorCodes.INVALID_REQUEST,
        `Cannot update ${name} while the broker runs: give it at the start.`,
      )
    }
    const parsed = parseSetting(name, setting, text)
    if ('wrong' in parsed) return parsed.wrong
  }
  return undefined
}
