/**
 * Stands for Apache Kafka's `kafka-topics.sh` where librdkafka's tests call it: the flags they use, told to `odradek topic`.
 *
 *   kafka-topics.ts --bootstrap-server HOST:PORT --create --topic T --partitions N [--replication-factor N] [--config K=V]…
 *   kafka-topics.ts --bootstrap-server HOST:PORT --alter --topic T --partitions N
 *   kafka-topics.ts --bootstrap-server HOST:PORT --delete --topic T
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { cli } from '../broker-process.ts'

const { values } = parseArgs({
  options: {
    'bootstrap-server': { type: 'string' },
    create: { type: 'boolean' },
    alter: { type: 'boolean' },
    delete: { type: 'boolean' },
    topic: { type: 'string' },
    partitions: { type: 'string' },
    'replication-factor': { type: 'string' },
    config: { type: 'string', multiple: true },
  },
})

function verb(topic: string): string[] {
  const { partitions } = values
  if (values.delete) return ['delete', topic]
  if (values.alter) return ['add-partitions', topic, partitions!]
  const replicas = values['replication-factor']
  return [
    'create',
    topic,
    ...(partitions === undefined ? [] : ['-p', partitions]),
    ...(replicas === undefined ? [] : ['-r', replicas]),
    ...(values.config ?? []).flatMap(pair => ['-c', pair]),
  ]
}

const flags = ['topic', ...verb(values.topic!), '--broker', values['bootstrap-server']!]
process.exitCode = spawnSync(process.execPath, [cli, ...flags], { stdio: 'inherit' }).status ?? 1
