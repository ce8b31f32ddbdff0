import { api } from '../api.ts'
import { bool, bytes, int8, int16, int32, preset, uuid } from '../schema.ts'

/** The client hands in metrics, in the form of OpenTelemetry (KIP-714). */
export const PushTelemetry = api({
  key: 72,
  name: 'PushTelemetry',
  versions: [0, 0],
  flexible: 0,
  request: {
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: bool,
    compressionType: int8,
    metrics: bytes,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
  },
})
