import type { TopicPartition } from '@odradek/client'
import { topicName, topicsReadBy } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { TaskInput } from './task-assignor.ts'

/** One task per partition of a sub-topology's widest source topic (streams facts 2.47, 2.49). `topics`: those an expression may stand for. */
export function tasksOf(
  subtopologies: readonly Subtopology[],
  applicationId: string,
  partitionsOf: (topic: string) => number,
  topics: readonly string[] = [],
): TaskInput[] {
  return subtopologies.flatMap(subtopology => {
    const widths = topicsRead(subtopology, applicationId, topics).map(topic => ({
      topic,
      partitions: partitionsOf(topic),
    }))
    const width = Math.max(0, ...widths.map(({ partitions }) => partitions))
    return Array.from({ length: width }, (_, partition) => ({
      taskId: `${subtopology.id}_${partition}`,
      subtopology: subtopology.id,
      partition,
      hasState: subtopology.stores.some(({ changelog }) => changelog),
      inputs: widths.filter(({ partitions }) => partition < partitions).map(({ topic }) => ({ topic, partition })),
    }))
  })
}

/** The tasks that partitions belong to, with those of their inputs that are among them: a task is handed out whole. */
export function tasksAmong(
  subtopologies: readonly Subtopology[],
  applicationId: string,
  partitions: readonly TopicPartition[],
): TaskInput[] {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const isGiven = (at: TopicPartition) => partitions.some(p => p.topic === at.topic && p.partition === at.partition)
  return tasksOf(
    subtopologies,
    applicationId,
    topic => Math.max(-1, ...partitions.filter(at => at.topic === topic).map(at => at.partition)) + 1,
    topics,
  )
    .map(task => ({ ...task, inputs: task.inputs.filter(isGiven) }))
    .filter(({ inputs }) => inputs.length > 0)
}

function topicsRead({ sources }: Subtopology, applicationId: string, topics: readonly string[]): string[] {
  const read = sources.flatMap(source => topicsReadBy(source, topics))
  return [...new Set(read.map(topic => topicName(topic, applicationId)))]
}

/** What the group subscribes to: names, or where an application reads by expression one that stands for all of them. */
export function subscriptionOf(subtopologies: readonly Subtopology[], applicationId: string): string[] | RegExp {
  const sources = subtopologies.flatMap(subtopology => subtopology.sources)
  const names = sources.flatMap(({ topics }) =>
    topics instanceof RegExp ? [] : topics.map(topic => topicName(topic, applicationId)),
  )
  const expressions = sources.flatMap(({ topics }) => (topics instanceof RegExp ? [topics] : []))
  if (expressions.length === 0) return names
  const literal = names.map(name => `^${name.replaceAll('.', '\\.')}$`)
  // What is subscribed to beyond what sources read makes no task.
  const flags = expressions.some(({ ignoreCase }) => ignoreCase) ? 'i' : ''
  return new RegExp([...literal, ...expressions.map(({ source }) => source)].map(one => `(?:${one})`).join('|'), flags)
}
