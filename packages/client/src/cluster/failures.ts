/**
 * The sentences people read when a cluster cannot be reached. Each names who was asked, what came back, and what to do next.
 */
import { ConnectionError, ErrorCodes, KafkaError, ProtocolError } from '@odradek/protocol'
import type { Address } from '@odradek/world'
import { formatAddress } from './address.ts'

export interface Attempt {
  readonly address: Address
  readonly error: Error
}

export function connectFailed(address: Address, tls: boolean, cause: unknown): ConnectionError {
  const why = reasonOf(cause)
  const hint = tls && looksLikeNoTls(cause) ? '; the listener may speak plain text: try without `tls`' : ''
  return new ConnectionError(`cannot connect to ${formatAddress(address)}: ${why}${hint}`, { ...address, cause })
}

/** `firstBytes` are what the other side sent before the first whole response, if anything. */
export function handshakeFailed(
  address: Address,
  tls: boolean,
  firstBytes: Uint8Array | undefined,
  cause: unknown,
): ConnectionError {
  const where = formatAddress(address)
  const details = { ...address, api: 'ApiVersions', cause }
  if (isTlsRecord(firstBytes)) {
    return new ConnectionError(`${where} speaks TLS: connect with \`tls: {}\`, or to the plain-text listener's port`, {
      ...details,
      retriable: false,
    })
  }
  if (isHttp(firstBytes)) {
    return new ConnectionError(`${where} answers HTTP: this is not the port of a Kafka listener`, {
      ...details,
      retriable: false,
    })
  }
  const what = handshakeEnd(cause)
  const hint = tls
    ? ''
    : '; if this listener wants TLS or SASL, configure them; if it is no Kafka listener, check the port'
  return new ConnectionError(`${where} ${what}${hint}`, details)
}

function handshakeEnd(cause: unknown): string {
  const code = cause instanceof ConnectionError ? cause.code : ''
  if (code === 'CONNECTION_LOST') return 'closed the connection instead of answering'
  if (code === 'TIMEOUT') return 'accepted the connection, but did not answer in time'
  return `did not answer as Kafka does: ${reasonOf(cause)}`
}

export function connectTimedOut(address: Address, ms: number): ConnectionError {
  return new ConnectionError(`cannot connect to ${formatAddress(address)}: no answer within ${ms} ms`, {
    ...address,
    code: 'TIMEOUT',
  })
}

export function requestTimedOut(address: Address, api: string, correlationId: number, ms: number): ConnectionError {
  const message = `${formatAddress(address)} did not answer ${api} within ${Math.round(ms)} ms`
  return new ConnectionError(message, { ...address, api, correlationId, code: 'TIMEOUT' })
}

export function connectionLost(address: Address, api: string, correlationId: number, cause?: unknown): ConnectionError {
  const why = cause === undefined ? 'closed the connection' : `lost the connection (${reasonOf(cause)})`
  const message = `${formatAddress(address)} ${why} before it answered ${api}`
  return new ConnectionError(message, { ...address, api, correlationId, cause, code: 'CONNECTION_LOST' })
}

/** No address answered. Lists what each one said. */
export function nobodyAnswers(attempts: readonly Attempt[]): ConnectionError {
  const last = attempts.at(-1)!
  const retriable = attempts.some(({ error }) => !(error instanceof KafkaError) || error.retriable)
  if (attempts.length === 1) {
    const message = `no broker can be reached: ${last.error.message}. Is a broker running there? (\`odradek dev\` starts one)`
    return new ConnectionError(message, { ...last.address, cause: last.error, retriable })
  }
  const list = attempts.map(({ error }) => `  - ${error.message}`).join('\n')
  const message = `no broker can be reached; ${attempts.length} addresses were tried:\n${list}`
  return new ConnectionError(message, { ...last.address, cause: last.error, retriable })
}

/** The cluster was reached by one address and tells of another that does not work from here. */
export function advertisedUnreachable(
  bootstrap: Address,
  nodeId: number,
  advertised: Address,
  error: Error,
): ConnectionError {
  const message =
    `${formatAddress(bootstrap)} answered, but the address it advertises for node ${nodeId}, ${formatAddress(advertised)}, does not: ` +
    `${error.message}. Set the broker's advertised.listeners to an address this machine can reach`
  return new ConnectionError(message, { ...advertised, cause: error })
}

/** `code` is undefined when the topic exists but some partition has no leader. */
export function topicUnavailable(
  topic: string,
  code: number | undefined,
  where: string,
  autoCreate: boolean,
): ProtocolError {
  if (code !== ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    return new ProtocolError(code ?? ErrorCodes.LEADER_NOT_AVAILABLE, { api: 'Metadata', topic })
  const asked = autoCreate ? ', and the broker did not create it when asked to (auto.create.topics.enable)' : ''
  const advice =
    `Topic '${topic}' does not exist on ${where}${asked}. ` +
    `Create it with admin.topics.create({ name: '${topic}' }) or \`odradek topic create ${topic}\``
  return new ProtocolError(code, { api: 'Metadata', topic, advice })
}

const sentences: Record<string, string> = {
  ECONNREFUSED: 'connection refused, nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'the host cannot be reached from here',
  ENETUNREACH: 'the network cannot be reached from here',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
}

export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  if (cause instanceof AggregateError && cause.errors.length > 0 && !(code in sentences))
    return reasonOf(cause.errors[0])
  const sentence = sentences[code]
  return sentence ? `${sentence} (${code})` : cause.message || code || cause.name
}

function looksLikeNoTls(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return (
    code === 'ECONNRESET' ||
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    code === 'EPROTO'
  )
}

/** A TLS alert or handshake record: type 21 or 22, version 3.x. */
function isTlsRecord(bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && bytes.length >= 2 && (bytes[0] === 21 || bytes[0] === 22) && bytes[1] === 3
}

function isHttp(bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'HTTP'
}
