import type { KafkaError, RequestHeader } from '@odradek/protocol'
import type { Handler } from './handler.ts'

/**
 * Why a request is not served, in one sentence for the log: Kafka closes the connection then, without an answer, because the client
 * could not read one. `'downgrade'`: ApiVersions of a version nobody knows, which is answered in the oldest instead.
 */
export function refusalOf(handler: Handler | undefined, header: RequestHeader): string | 'downgrade' | undefined {
  const { apiKey, apiVersion } = header
  if (handler === undefined) return `it asked for API key ${apiKey}, which this broker does not serve`
  const [min, max] = handler.versions ?? handler.api.versions
  if (apiVersion >= min && apiVersion <= max) return undefined
  if (apiKey === apiVersionsKey) return 'downgrade'
  return `it asked for ${handler.api.name} version ${apiVersion}; this broker serves ${min} to ${max}`
}

/** Why bytes that cannot be read end the connection. */
export function closingDueTo(error: KafkaError): string {
  return `what it sent cannot be read as Kafka's protocol: ${error.message}`
}

const apiVersionsKey = 18
