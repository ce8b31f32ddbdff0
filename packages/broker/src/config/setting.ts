/**
 * One setting, as data: its type, default, bounds and one sentence. The tables beside this file are made of these; parsing, validation,
 * DescribeConfigs and the documentation all read them.
 */
export type Setting =
  | (Common & { type: 'boolean'; default: boolean })
  | (Common & { type: 'int' | 'long' | 'double'; default: number | null; min?: number; max?: number })
  | (Common & { type: 'string' | 'password'; default: string | null; oneOf?: readonly string[] })
  | (Common & { type: 'list'; default: readonly string[]; oneOf?: readonly string[] })

interface Common {
  doc: string
  /** Accepted for compatibility, but only at its default: what it would ask for is not built. */
  fixed?: boolean
  /** Of a broker's setting: it can be changed while the broker runs. */
  dynamic?: boolean
}

/** What a program reads: a boolean, number, string, or list of strings. */
export type ValueOf<S extends { type: Setting['type']; default: unknown }> =
  | Plain<S['type']>
  | Extract<S['default'], null>
type Plain<T extends Setting['type']> = T extends 'boolean'
  ? boolean
  : T extends 'int' | 'long' | 'double'
    ? number
    : T extends 'list'
      ? readonly string[]
      : string

export type SettingValue = boolean | number | string | null | readonly string[]

/** Kafka's "no limit" of a long; not exact as a number, which no comparison minds. */
export const unlimited = '9223372036854775807'
const bounds = {
  int: [-2147483648, 2147483647],
  long: [-Number(unlimited), Number(unlimited)],
  double: [-Infinity, Infinity],
} as const

/** Reads text as the setting's type, or says in one sentence what is wrong with it. */
export function parseSetting(
  name: string,
  setting: Setting,
  text: string,
): { value: SettingValue } | { wrong: string } {
  const parsed = parse(name, setting, text.trim())
  if ('wrong' in parsed || !setting.fixed || formatSetting(setting, parsed.value) === formatDefault(setting))
    return parsed
  return wrong(name, text, `this broker only knows ${formatDefault(setting)}`)
}

/** The text Kafka's tools show for a value. */
export function formatSetting(setting: Setting, value: SettingValue): string | null {
  if (value === null) return null
  if (setting.type === 'list') return (value as readonly string[]).join(',')
  if (setting.type === 'long' && (value as number) >= Number(unlimited)) return unlimited
  return String(value)
}

export const formatDefault = (setting: Setting): string | null => formatSetting(setting, setting.default)

function parse(name: string, setting: Setting, text: string): { value: SettingValue } | { wrong: string } {
  switch (setting.type) {
    case 'boolean': {
      const lower = text.toLowerCase()
      if (lower === 'true' || lower === 'false') return { value: lower === 'true' }
      return wrong(name, text, 'write true or false')
    }
    case 'int':
    case 'long':
    case 'double':
      return parseNumber(name, setting, text)
    case 'list': {
      const value = text === '' ? [] : text.split(',').map(item => item.trim())
      const stray = setting.oneOf && value.find(item => !setting.oneOf!.includes(item))
      return stray === undefined ? { value } : wrong(name, text, `write any of ${setting.oneOf!.join(', ')}`)
    }
    default:
      if (setting.oneOf && !setting.oneOf.includes(text))
        return wrong(name, text, `write one of ${setting.oneOf.join(', ')}`)
      return { value: text }
  }
}

function parseNumber(
  name: string,
  setting: Setting & { type: 'int' | 'long' | 'double' },
  text: string,
): ReturnType<typeof parse> {
  const shape = setting.type === 'double' ? /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/ : /^[+-]?\d+$/
  const value = Number(text)
  if (!shape.test(text)) return wrong(name, text, setting.type === 'double' ? 'write a number' : 'write a whole number')
  const [lowest, highest] = bounds[setting.type]
  const min = setting.min ?? lowest
  const max = setting.max ?? highest
  if (value < min || value > max) {
    return wrong(name, text, max === highest ? `write at least ${min}` : `write a number from ${min} to ${max}`)
  }
  return { value }
}

const wrong = (name: string, text: string, advice: string) => ({
  wrong: `Invalid value ${text} for configuration ${name}: ${advice}.`,
})
