/** What members subscribe to: names, and a regular expression that stands for names. */

import { ErrorCodes } from '@odradek/protocol'
import { refuse } from '../../refusal.ts'
import { RegexError } from '../../regex/regex-error.ts'
import { Work, workOfTurn } from '../../regex/work.ts'
import type { TopicsView } from '../topics-view.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { MemberDetails } from './consumer-member.ts'
import type { ConsumerTurn } from './consumer-turn.ts'

/** The names a member subscribes to, whether there are such topics or not. */
function subscribedNames({ topicNames, topicRegex }: MemberDetails, group: ConsumerGroup): Iterable<string> {
  const matched = topicRegex === '' ? [] : (group.regexes.get(topicRegex)?.topics ?? [])
  return matched.length === 0 ? topicNames : new Set([...topicNames, ...matched])
}

/** The ids of those there are, sorted. */
export function subscribedTopics(details: MemberDetails, group: ConsumerGroup, topics: TopicsView): string[] {
  const ids: string[] = []
  for (const name of subscribedNames(details, group)) {
    const topic = topics.named(name)
    if (topic) ids.push(topic.id)
  }
  return ids.sort()
}

/** Everything somebody in the group subscribes to. */
export function allSubscribedNames(group: ConsumerGroup): Set<string> {
  const names = new Set<string>()
  for (const { details } of group.members.values()) for (const name of subscribedNames(details, group)) names.add(name)
  return names
}

/**
 * Brings what the regular expressions stand for up to date with the topics there are, and forgets those nobody uses any more. What is too
 * much for one turn stands for what it stood for, till a later heartbeat has gone on with it.
 */
export function resolveRegexes(turn: ConsumerTurn): { hasChanged: boolean; isComplete: boolean } {
  const { group, topics } = turn
  const used = new Set<string>()
  for (const { details } of group.members.values()) if (details.topicRegex !== '') used.add(details.topicRegex)
  const work = new Work(workOfTurn)
  let hasChanged = false
  let isComplete = true
  for (const regex of [...group.regexes.keys()]) if (!used.has(regex)) turn.write({ type: 'regex', regex, value: null })
  for (const regex of used) {
    const known = group.regexes.get(regex)
    if (known && group.topicsVersion === topics.version) continue
    const matching = matchingTopics(regex, topics, work)
    if (matching === undefined) {
      isComplete = false
      continue
    }
    if (known && known.topics.join() === matching.join()) continue
    hasChanged ||= known !== undefined || matching.length > 0
    turn.write({ type: 'regex', regex, value: { topics: matching, version: topics.version, timestamp: turn.now } })
  }
  return { hasChanged, isComplete }
}

/** Nothing for an expression that an earlier release took and this one refuses: its members stay, and read what they name. */
function matchingTopics(regex: string, topics: TopicsView, work: Work): readonly string[] | undefined {
  try {
    return topics.regexes.matching(regex, topics, work)
  } catch (error) {
    if (error instanceof RegexError) return []
    throw error
  }
}

export function checkRegex(regex: string, topics: TopicsView): void {
  try {
    topics.regexes.check(regex, topics)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    refuse(ErrorCodes.INVALID_REGULAR_EXPRESSION, `SubscribedTopicRegex \`${regex}\` is not valid: ${error.message}`)
  }
}
