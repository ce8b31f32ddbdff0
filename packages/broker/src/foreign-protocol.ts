/**
 * Recognises what is not Kafka by the first bytes of a connection, to tell the operator in one sentence instead of a false frame
 * length. Undefined: it may be Kafka.
 */
export function foreignProtocol(first: Uint8Array): { reason: string; reply?: string } | undefined {
  // A TLS record: handshake (22), version 3.x. As a frame length this would be 369 MB.
  if (first[0] === 0x16 && first[1] === 0x03) {
    return {
      reason:
        'the client speaks TLS and this port does not: set security.protocol=PLAINTEXT (ssl: false) in the client',
    }
  }
  const start = String.fromCharCode(...first.subarray(0, 8))
  if (/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|PRI|TRACE) /.test(start)) {
    return { reason: 'an HTTP request came to the port of the Kafka protocol', reply: httpReply }
  }
  if (/^SSH-/.test(start)) return { reason: 'an SSH client came to the port of the Kafka protocol' }
  return undefined
}

const text =
  'This port speaks the Kafka protocol, not HTTP. Point a Kafka client at it, for example: kcat -b HOST:PORT -L\n'
const httpReply = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`
