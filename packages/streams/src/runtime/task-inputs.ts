import { topicName } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { TaskInput } from './task-assignor.ts'

/** One task per partition of a sub-topology's widest source topic (streams facts 2.47, 2.49). */
export function tasksOf(
  subtopologies: readonly Subtopology[],
  applicationId: string,
  partitionsOf: (topic: string) => number,
): TaskInput[] {
  return subtopologies.flatMap(({ id, sourceTopics }) => {
    const topics = sourceTopics
      .map(topic => topicName(topic, applicationId))
      .map(topic => ({ topic, partitions: partitionsOf(topic) }))
    const width = Math.max(0, ...topics.map(({ partitions }) => partitions))
    return Array.from({ length: width }, (_, partition) => ({
      taskId: `${id}_${partition}`,
      subtopology: id,
      partition,
      inputs: topics.filter(({ partitions }) => partition < partitions).map(({ topic }) => ({ topic, partition })),
    }))
  })
}
