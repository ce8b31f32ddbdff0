/**
 * The handle to a cluster: producers, consumers and admin made from it share metadata and connections. Making one does no I/O;
 * the first call that needs a broker connects.
 */
import { UsageError } from '@odradek/protocol'
import {
  type Address,
  type ConnectOptions,
  realClock,
  realRandom,
  realWire,
  type Wire,
  type World,
} from '@odradek/world'
import { Admin } from './admin/admin.ts'
import { abortWith } from './cluster/abandon.ts'
import { parseAddresses } from './cluster/address.ts'
import type { Backoff } from './cluster/backoff.ts'
import { Cluster } from './cluster/cluster.ts'
import { type CloseOptions, Consumer, type ConsumerOptions } from './consumer/consumer.ts'
import { type ReadOptions, TopicReader } from './consumer/topic-reader.ts'
import type { ProducerOptions, TransactionalProducerOptions } from './producer/options.ts'
import { Producer } from './producer/producer.ts'
import { TransactionalProducer } from './producer/transactions/transactional-producer.ts'
import { Queue } from './queue/queue.ts'
import type { QueueOptions } from './queue/queue-options.ts'
import { nameOf, type TopicRef } from './topic.ts'

/** A broker in this process, reached by its own wire instead of TCP. */
export interface InProcessBroker {
  readonly bootstrap: string
  readonly wire?: Wire
}

export interface KafkaOptions {
  /** `'host:port,host:port'`, a list, a function that looks them up, or a broker in this process. */
  readonly brokers: string | readonly string[] | (() => Promise<string | readonly string[]>) | InProcessBroker
  /** Shown in the brokers' logs and quotas. Default `odradek`. */
  readonly clientId?: string
  /** `true` or details: speak TLS. */
  readonly tls?: boolean | NonNullable<ConnectOptions['tls']>
  /** Default 10,000: for the connection and its handshake. */
  readonly connectTimeoutMs?: number
  /** Default 30,000: for the answer to one request. */
  readonly requestTimeoutMs?: number
  /** Default 30,000: how long failures that may pass are retried. */
  readonly retryTimeoutMs?: number
  /** Default 300,000: metadata is asked for again after this time even when nothing fails. */
  readonly metadataMaxAgeMs?: number
  /** Default 100 MiB: a longer answer ends the connection. */
  readonly maxResponseBytes?: number
  readonly backoff?: Backoff
  /** Time, chance and network; the real ones by default. */
  readonly world?: Pick<World, 'clock' | 'random' | 'wire'>
}

interface Child {
  close(options?: CloseOptions): Promise<void>
}

export class Kafka implements AsyncDisposable {
  /** What producers, consumers, admin and Streams share. Not part of the stable surface. */
  readonly cluster: Cluster
  readonly #children = new Set<Child>()
  readonly #hurry = new AbortController()
  #closing: Promise<void> | undefined
  #deadLetterProducer: Producer | undefined

  constructor(options: KafkaOptions) {
    const { brokers, clientId = 'odradek', tls, world } = options
    if (!brokers) throw new UsageError("`brokers` is missing: new Kafka({ brokers: 'localhost:9092' })")
    this.cluster = new Cluster({
      bootstrap: bootstrapOf(brokers),
      random: world?.random ?? realRandom,
      backoff: options.backoff,
      metadataMaxAgeMs: options.metadataMaxAgeMs ?? 300_000,
      retryTimeoutMs: options.retryTimeoutMs ?? 30_000,
      connection: {
        wire: (isInProcess(brokers) && brokers.wire) || (world?.wire ?? realWire),
        clock: world?.clock ?? realClock,
        clientId,
        connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
        requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
        maxResponseBytes: options.maxResponseBytes ?? 100 * 1024 * 1024,
        ...(tls && { tls: tls === true ? {} : tls }),
      },
    })
  }

  admin(): Admin {
    return new Admin(this.cluster)
  }

  /** With a `transactionalId` its records go in transactions; see TransactionalProducer. */
  producer(options: TransactionalProducerOptions): TransactionalProducer
  producer(options?: ProducerOptions): Producer
  producer(options: ProducerOptions | TransactionalProducerOptions = {}): Producer | TransactionalProducer {
    const closed = (producer: Child) => this.#children.delete(producer)
    return this.#adopt(
      'transactionalId' in options
        ? new TransactionalProducer(this.cluster, options, closed)
        : new Producer(this.cluster, options, closed),
    )
  }

  /** Reads topics as a member of a group, or given partitions. See Consumer for the three ways to read. */
  consumer<const T extends TopicRef>(options: ConsumerOptions<T>): Consumer<T> {
    const consumer: Consumer<T> = new Consumer(
      {
        cluster: this.cluster,
        sendDeadLetter: (topic, letter) =>
          this.#deadLetters()
            .send(nameOf(topic), letter)
            .then(() => {}),
        closed: closed => this.#children.delete(closed),
      },
      options,
    )
    return this.#adopt(consumer)
  }

  /** Topics as a queue: each record to one member of the share group, acknowledged by itself. Needs a broker with share groups. */
  queue<const T extends TopicRef>(options: QueueOptions<T>): Queue<T> {
    return this.#adopt(new Queue({ cluster: this.cluster, closed: queue => this.#children.delete(queue) }, options))
  }

  /** Reads a topic once, from its first record to what is its last now, without a group: for scripts, tests, tables. */
  read<T extends TopicRef>(topic: T, options: ReadOptions = {}): TopicReader<T> {
    return new TopicReader(this.cluster, topic, options)
  }

  /**
   * Closes what was made from this handle, then the connections. An aborted signal ends the waiting: consumers do not commit any
   * more, and records that producers have not delivered fail, which is thrown.
   */
  close({ signal }: CloseOptions = {}): Promise<void> {
    abortWith(this.#hurry, signal)
    this.#closing ??= this.#close({ signal: this.#hurry.signal })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #deadLetters(): Producer {
    this.#deadLetterProducer ??= this.producer()
    return this.#deadLetterProducer
  }

  async #close(options: CloseOptions): Promise<void> {
    const closeAll = (children: Child[]) => Promise.allSettled(children.map(child => child.close(options)))
    // Consumers first: what they process to the end may still send.
    const readers = await closeAll([...this.#children].filter(child => !isWriter(child)))
    const closed = [...readers, ...(await closeAll([...this.#children]))]
    this.cluster.close()
    const failed = closed.find(result => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Remembers what `close` has to close. */
  #adopt<C extends Child>(child: C): C {
    if (this.#closing) throw new UsageError('the Kafka handle is closed: make a new one to go on')
    this.#children.add(child)
    return child
  }
}

function isWriter(child: Child): boolean {
  return child instanceof Producer || child instanceof TransactionalProducer
}

/** Text is parsed at once, so that a typing error is told at once. */
function bootstrapOf(brokers: KafkaOptions['brokers']): () => Promise<readonly Address[]> {
  if (typeof brokers === 'function') return async () => parseAddresses(await brokers())
  const addresses = parseAddresses(isInProcess(brokers) ? brokers.bootstrap : brokers)
  return async () => addresses
}

function isInProcess(brokers: KafkaOptions['brokers']): brokers is InProcessBroker {
  return typeof brokers === 'object' && 'bootstrap' in brokers
}
