/** A client that reaches every address through the proxy, whatever address a broker tells of itself. */
import { Kafka, type KafkaOptions } from '@odradek/client'
import { type Address, realClock, realRandom, realWire, type Wire } from '@odradek/world'

export function throughProxy(proxy: Address, options: Omit<KafkaOptions, 'brokers' | 'world'>): Kafka {
  const wire: Wire = {
    listen: (at, accept) => realWire.listen(at, accept),
    connect: (_, connecting) => realWire.connect(proxy, connecting),
  }
  const world = { clock: realClock, random: realRandom, wire }
  return new Kafka({ ...options, brokers: `${proxy.host}:${proxy.port}`, world })
}
