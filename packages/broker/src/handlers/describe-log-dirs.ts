import { DescribeLogDirs, ErrorCodes, type Request } from '@odradek/protocol'
import type { Topic } from '../cluster-store/cluster-store.ts'
import type { Handler, RequestContext } from '../handler.ts'

type Asked = NonNullable<Request<typeof DescribeLogDirs>['topics']>

/** How many bytes each partition of this node takes. There is one log directory, whatever the engine makes of it. */
export const describeLogDirs: Handler<typeof DescribeLogDirs> = {
  api: DescribeLogDirs,
  async handle(request, context) {
    const { cluster, dataName } = context.broker
    const asked = request.topics === null ? undefined : wantedPartitions(request.topics)
    const chosen = [...cluster.topics()].filter(topic => asked === undefined || asked.has(topic.name))
    const topics = await Promise.all(chosen.map(topic => sizes(topic, asked?.get(topic.name), context)))
    return {
      results: [
        { errorCode: ErrorCodes.NONE, logDir: dataName, topics: topics.filter(topic => topic.partitions.length > 0) },
      ],
    }
  },
}

/** An empty list of partitions means all of the topic. */
function wantedPartitions(asked: Asked): Map<string, readonly number[]> {
  return new Map(asked.map(({ topic, partitions }) => [topic, partitions]))
}

async function sizes(topic: Topic, wanted: readonly number[] | undefined, { broker, nodeId }: RequestContext) {
  const led = topic.partitions.filter(({ id, index }) => {
    return broker.leaderOf(id) === nodeId && (!wanted?.length || wanted.includes(index))
  })
  const states = await broker.engine.state(led.map(partition => partition.id))
  const partitions = led.map(({ index }, i) => {
    return { partitionIndex: index, partitionSize: states[i]?.bytes ?? 0, offsetLag: 0, isFutureKey: false }
  })
  return { name: topic.name, partitions }
}
