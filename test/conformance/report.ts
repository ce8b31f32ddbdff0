/** docs/CONFORMANCE.md, from what is in expected.json. The same results make the same page. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Entry, Expected } from './expected.ts'
import { interopClients } from './node-clients.ts'
import { count, type Outcome } from './outcome.ts'

const page = fileURLToPath(new URL('../../docs/CONFORMANCE.md', import.meta.url))

export async function writeReport(expected: Expected): Promise<void> {
  const { results, versions } = expected
  const clients = Object.keys(interopClients)
  const sections = [
    introduction,
    summary(expected, clients),
    librdkafka(results['librdkafka classic'] ?? {}, results['librdkafka consumer'] ?? {}, versions.librdkafka),
    javaClient(results['kafka-clients'] ?? {}, versions['kafka-clients']),
    ...clients.map(client => plainTable(client, results[client] ?? {})),
    howTo,
  ]
  await writeFile(page, `${sections.join('\n\n')}\n`)
}

const introduction = `# Conformance

How the broker does under programs that nobody here wrote. This page is made by \`test/conformance/run.ts\`, from
\`test/conformance/expected.json\`; CI runs a part of it on every commit and fails where something passes here and not there.

Each test has a broker of its own, as a user would start it: \`odradek serve --memory\`, four default partitions, topics made
when first used, no wait before a group's first rebalance. A test that needs another setting is named under "Settings".`

function summary({ results, versions }: Expected, clients: readonly string[]): string {
  const row = (title: string, tests: Record<string, Entry> | undefined) => {
    if (tests === undefined) return `| ${title} | not run | | |`
    const { pass, fail, skip } = count(outcomesOf(tests))
    return `| ${title} | ${pass} | ${fail} | ${skip} |`
  }
  return [
    '| client | pass | fail | skip |',
    '| --- | ---: | ---: | ---: |',
    row(`librdkafka ${versions.librdkafka ?? ''}, classic groups`, results['librdkafka classic']),
    row(`librdkafka ${versions.librdkafka ?? ''}, consumer groups (KIP-848)`, results['librdkafka consumer']),
    row(`Apache Kafka's Java client ${versions['kafka-clients'] ?? ''}`, results['kafka-clients']),
    ...clients.map(client => row(client, results[client])),
  ].join('\n')
}

function librdkafka(
  classic: Record<string, Entry>,
  consumer: Record<string, Entry>,
  version: string | undefined,
): string {
  const names = [...new Set([...Object.keys(classic), ...Object.keys(consumer)])].sort()
  const rows = names.map(name => {
    const [a, b] = [classic[name], consumer[name]]
    const said = remark(a, b)
    return `| ${name} | ${word(a)} | ${word(b)} | ${seconds(a)} | ${seconds(b)} | ${said} |`
  })
  return `## librdkafka

The test program of librdkafka ${version ?? ''}, its tests that need a broker (the others need none, and say nothing about it), each by
itself and as its authors run it (timeouts doubled, nothing shortened). "classic" and "consumer" are the two protocols of
groups; the second is KIP-848's. Seconds are of a machine with two cores that did other things as well.

Settings: 0102, 0113 and 0118 have Kafka's default \`group.initial.rebalance.delay.ms\` (two members that start together are to meet in one
generation); all have \`group.share.min.record.lock.duration.ms=1000\`, as in the cluster of librdkafka's authors, and
\`odradek.replication.factor.accepted=3\`, as some tests ask for three replicas (they get one).

| test | classic | consumer | s | s | why skipped, how it fails |
| --- | --- | --- | ---: | ---: | --- |
${rows.join('\n')}`
}

function remark(classic: Entry | undefined, consumer: Entry | undefined): string {
  const said = (entry: Entry | undefined) => entry?.reason ?? ''
  if (said(classic) === said(consumer)) return cell(said(classic))
  const parts: string[] = []
  if (said(classic) !== '') parts.push(`classic: ${said(classic)}`)
  if (said(consumer) !== '') parts.push(`consumer: ${said(consumer)}`)
  return cell(parts.join('; '))
}

function javaClient(tests: Record<string, Entry>, version: string | undefined): string {
  const intro = `A small program of ours (\`test/conformance/java\`) that drives kafka-clients ${version ?? ''}: each line is a check, all
against one broker. Kafka Streams with \`group.protocol=streams\` has a run of its own: \`node test/conformance/java-streams/run.ts\`.`
  return `## Apache Kafka's Java client\n\n${intro}\n\n${table(tests)}`
}

function plainTable(client: string, tests: Record<string, Entry>): string {
  return `## ${client}\n\nOur tests of it: \`test/interop/${interopClients[client]}\`, part of \`npm test\`.\n\n${table(tests)}`
}

function table(tests: Record<string, Entry>): string {
  const rows = Object.entries(tests).map(
    ([name, entry]) => `| ${cell(name)} | ${word(entry)} | ${seconds(entry)} | ${cell(entry.reason ?? '')} |`,
  )
  return ['| test | | s | why skipped, how it fails |', '| --- | --- | ---: | --- |', ...rows].join('\n')
}

const word = (entry: Entry | undefined) =>
  entry === undefined ? '' : entry.state === 'fail' ? '**fail**' : entry.state
const seconds = (entry: Entry | undefined) =>
  entry === undefined || entry.state === 'skip' ? '' : entry.seconds.toFixed(1)
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

function outcomesOf(tests: Record<string, Entry>): Outcome[] {
  return Object.entries(tests).map(([name, { state, seconds, reason }]) => ({
    name,
    state,
    seconds,
    reason: reason ?? '',
  }))
}

const howTo = `## Running it

    node test/conformance/run.ts                    # everything; more than an hour (--jobs 3: half of that)
    node test/conformance/run.ts --suite java       # librdkafka, java or interop
    node test/conformance/run.ts --suite librdkafka --protocol consumer --tests 0102,0113 --logs /tmp/logs
    node test/conformance/run.ts --ci               # what CI runs: compared with expected.json, nothing written
    node test/conformance/run.ts --write            # and expected.json and this page are brought up to date
    ODRADEK_CONFORMANCE_AGAINST=HOST:PORT node …    # against another broker, say Apache Kafka's, to see what it answers

librdkafka and its test program come from the npm package \`@confluentinc/kafka-javascript\`, the Java client from Maven Central; both
are fetched and built once, into \`$XDG_CACHE_HOME/odradek\` (\`~/.cache/odradek\`). They are no dependencies: what is missing is said,
and its part is left out. On Debian:

    apt-get install -y gcc g++ make pkg-config zlib1g-dev libzstd-dev libssl-dev rapidjson-dev   # librdkafka
    apt-get install -y openjdk-17-jdk-headless maven                                             # the Java client
    apt-get install -y kcat python3-kafka`
