/**
 * docs/settings.md, made from the tables of settings. After a change to one of them:
 *
 *     node packages/broker/src/config/settings-page.ts > docs/settings.md
 */
import { brokerSettings } from './broker-settings.ts'
import { groupSettings } from './group-settings.ts'
import { formatDefault, type Setting, unlimited } from './setting.ts'
import { topicSettings } from './topic-settings.ts'

type Row = Setting & { readonly broker?: Readonly<Record<string, number>> }

const introduction = `# Settings

Names are Kafka's; those that begin with \`odradek.\` are our own. This page is made from the tables that the broker reads
(\`node packages/broker/src/config/settings-page.ts > docs/settings.md\`), and a test compares the two.

A broker's settings are given at its start: \`odradek serve -c KEY=VALUE\`, \`--config FILE\`, or \`Broker.start({ config })\`. Those marked
"live" can also be changed while it runs, by every tool that speaks AlterConfigs. A topic's are given when it is made
(\`odradek topic create TOPIC -c KEY=VALUE\`) and changed at any time (\`odradek topic alter TOPIC KEY=VALUE\`).`

export function settingsPage(): string {
  const ours = rowsOf(brokerSettings)
  return [
    introduction,
    '## Of a broker',
    table(['Setting', 'Default', 'Live', 'What it does'], ours.map(brokerRow)),
    '## Of a topic',
    table(['Setting', 'Default', "The broker's default", 'What it does'], rowsOf(topicSettings).map(rowWithFallback)),
    '## Of a group',
    'Set with every tool that speaks IncrementalAlterConfigs (`kafka-configs.sh --entity-type groups`), before or after the group is there.',
    table(['Setting', 'Default', "The broker's default", 'What it does'], rowsOf(groupSettings).map(rowWithFallback)),
    '',
  ].join('\n\n')
}

const rowsOf = (settings: Readonly<Record<string, Row>>): [string, Row][] => Object.entries(settings)

const brokerRow = ([name, setting]: [string, Row]): string[] => [
  code(name),
  defaultOf(setting),
  setting.dynamic ? 'live' : '',
  setting.doc,
]

const rowWithFallback = ([name, setting]: [string, Row]): string[] => [
  code(name),
  defaultOf(setting),
  Object.keys(setting.broker ?? {})
    .map(code)
    .join(', '),
  setting.doc,
]

function defaultOf(setting: Setting): string {
  const text = formatDefault(setting)
  if (text === null || text === '') return 'none'
  return text === unlimited || setting.default === Number.MAX_VALUE ? 'no limit' : code(text)
}

const code = (text: string): string => `\`${text}\``

const table = (head: readonly string[], rows: readonly string[][]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.map(escaped).join(' | ')} |`).join('\n')

const escaped = (cell: string): string => cell.replaceAll('|', '\\|')

if (import.meta.main) process.stdout.write(settingsPage())
