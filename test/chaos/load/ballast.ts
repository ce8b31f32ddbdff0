/** A log of some size before anything begins. */
import { encodeBatch, Produce } from '@odradek/protocol'
import { type Address, realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { produceRequest } from '../../../packages/broker/src/testing/test-broker.ts'

/** Fills the partitions of a topic evenly with so many bytes in all. */
export async function fillLog(address: Address, topic: string, partitions: number, bytes: number): Promise<void> {
  const batch = encodeBatch([{ value: Buffer.alloc(900_000, 'ballast ') }])
  const client = await RawClient.connect(realWire, address)
  const each = Math.ceil(bytes / partitions / batch.length)
  for (let n = 0; n < each; n++) {
    const answers = Array.from({ length: partitions }, (_, partition) =>
      client.call(Produce, 9, produceRequest(topic, batch.slice(), { partition, acks: n === each - 1 ? -1 : 1 })),
    )
    for (const { responses } of await Promise.all(answers)) {
      const { errorCode } = responses[0]!.partitionResponses[0]!
      if (errorCode !== 0) throw new Error(`the ballast was refused with error ${errorCode}`)
    }
  }
  client.close()
}
