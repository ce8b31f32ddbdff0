/** Says where a share group begins that has never read: its own configuration, kept by the cluster. */
import { IncrementalAlterConfigs, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'

const groupResource = 32
const set = 0

export async function startOfGroup(
  cluster: Cluster,
  group: string,
  from: 'earliest' | 'latest',
  signal: AbortSignal,
): Promise<void> {
  const configs = [{ name: 'share.auto.offset.reset', configOperation: set, value: from }]
  const resources = [{ resourceType: groupResource, resourceName: group, configs }]
  await cluster.retrying({ signal }, async () => {
    const answer = await cluster.call('any', IncrementalAlterConfigs, { resources, validateOnly: false }, { signal })
    for (const { errorCode, errorMessage: message } of answer.responses) {
      if (errorCode === 0) continue
      const advice = '`from` is written to the configuration of the group; leave it out where that may not be done.'
      throw new ProtocolError(errorCode, { api: IncrementalAlterConfigs.name, message, advice })
    }
  })
}
