/** kafka-python (Debian's python3-kafka) against our broker, unchanged. Skips where it is not installed. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { brokerUnderTest } from './broker-under-test.ts'

// Debian's module belongs to Debian's interpreter, which need not be the first in PATH.
const python = ['/usr/bin/python3', 'python3'].find(path => spawnSync(path, ['-c', 'import kafka']).status === 0)
const missing = python === undefined ? 'python3-kafka is not installed (apt-get install python3-kafka)' : false

function run(script: string, bootstrap: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(python!, ['-c', script, bootstrap])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => (stdout += chunk))
  child.stderr.on('data', chunk => (stderr += chunk))
  return new Promise(resolve => child.on('close', code => resolve({ code, stdout, stderr })))
}

const produceAndConsume = `
import json, sys
from kafka import KafkaConsumer, KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1], compression_type='gzip', acks='all')
for i in range(100):
    producer.send('py', key=b'k%d' % i, value=b'v%d' % i, headers=[('h', b'x'), ('h', b'y')], partition=0)
producer.send('py', key=b'gone', value=None, partition=0)
producer.send('py', value=b'z' * 900000, partition=0)
producer.flush()
consumer = KafkaConsumer('py', bootstrap_servers=sys.argv[1], group_id='pg', auto_offset_reset='earliest', consumer_timeout_ms=15000)
seen = []
for record in consumer:
    seen.append(record)
    if len(seen) == 102: break
consumer.commit()
consumer.close()
print(json.dumps({
  'first': [seen[0].key.decode(), seen[0].value.decode(), seen[0].offset, [[k, v.decode()] for k, v in seen[0].headers]],
  'null': seen[100].value is None,
  'large': len(seen[101].value),
}))
`

test('kafka-python produces with gzip, headers, a null and 900 kB, and reads it back in a group', {
  skip: missing,
}, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  const { code, stdout, stderr } = await run(produceAndConsume, bootstrap)
  assert.equal(code, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), {
    first: [
      'k0',
      'v0',
      0,
      [
        ['h', 'x'],
        ['h', 'y'],
      ],
    ],
    null: true,
    large: 900000,
  })
})

const administer = `
import json, sys
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic, NewPartitions, ConfigResource, ConfigResourceType
admin = KafkaAdminClient(bootstrap_servers=sys.argv[1])
admin.create_topics([NewTopic(name='adm', num_partitions=2, replication_factor=1, topic_configs={'retention.ms': '3600000'})])
admin.create_partitions({'adm': NewPartitions(total_count=3)})
described = admin.describe_topics(['adm'])
config = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, 'adm')])
entries = {e[0]: e[1] for e in config[0].resources[0][4]}
names = admin.list_topics()
admin.delete_topics(['adm'])
print(json.dumps({'partitions': len(described[0]['partitions']), 'retention': entries['retention.ms'], 'listed': 'adm' in names, 'deleted': 'adm' not in admin.list_topics()}))
`

test('kafka-python administers topics', { skip: missing }, async t => {
  const { bootstrap } = await brokerUnderTest(t)
  const { code, stdout, stderr } = await run(administer, bootstrap)
  assert.equal(code, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), { partitions: 3, retention: '3600000', listed: true, deleted: true })
})
