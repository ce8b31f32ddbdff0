/** The names a topic may have, and the ones that belong to the broker itself. */
const allowed = /^[a-zA-Z0-9._-]+$/
const longest = 249

/** What is wrong with a topic's name, in one sentence, or undefined. */
export function wrongTopicName(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: it is empty.'
  if (name === '.' || name === '..') return `Topic name is invalid: it cannot be "${name}".`
  if (name.length > longest) return `Topic name is invalid: it is longer than ${longest} characters.`
  if (!allowed.test(name)) {
    return `Topic name is invalid: '${name}' contains characters other than ASCII alphanumerics, '.', '_' and '-'.`
  }
  return undefined
}

/** Names that differ only in '.' and '_' end in the same metric name, so Kafka allows only one of them. */
export const collisionKey = (name: string): string => name.replaceAll('.', '_')

export const isInternalTopic = (name: string): boolean => internal.has(name)

const internal: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])
