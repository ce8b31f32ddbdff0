/** Kafka Streams, to compare with: its jars come by `kafka-streams/pom.xml`, once; the program beside that is compiled when it runs. */
import { fileURLToPath } from 'node:url'
import { fetchJars, hasJavaAndMaven } from './apache-kafka.ts'

const fileOf = (name: string) => fileURLToPath(new URL(`kafka-streams/${name}`, import.meta.url))

/** What starts it. Null, with the reason printed, where Java or Maven are missing. */
export async function kafkaStreams(): Promise<readonly [string, ...string[]] | null> {
  if (!(await hasJavaAndMaven('Kafka Streams'))) return null
  const { libs } = await fetchJars({ name: 'kafka-streams', pom: fileOf('pom.xml') })
  return ['java', '-Xms512m', '-Xmx1g', '-cp', `${libs}/*`, fileOf('StreamsPeer.java')]
}
