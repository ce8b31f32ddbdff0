/** What there is to know of a cluster as a whole. */
import { type Command, command } from '../command.ts'
import { connect } from '../connect.ts'
import { printRows } from '../output/rows.ts'

export const info: Command = command({
  name: 'cluster info',
  summary: 'The nodes of the cluster, and which of them is the controller.',
  async run({ flags, signal }) {
    await using kafka = connect(flags)
    const { clusterId, controllerId, brokers } = await kafka.admin().cluster.describe({ signal })
    printRows(
      brokers.map(({ nodeId, host, port, rack }) => ({
        cluster: clusterId,
        node: nodeId,
        address: `${host}:${port}`,
        rack,
        controller: nodeId === controllerId,
      })),
      flags.output,
    )
    return 0
  },
})
