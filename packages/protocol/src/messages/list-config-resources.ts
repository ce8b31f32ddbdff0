import { api } from '../api.ts'
import { array, int8, int16, int32, preset, since, string } from '../schema.ts'

/** The resources that have settings, by type; version 0 knew client metrics only (KIP-1142). */
export const ListConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexible: 0,
  request: {
    resourceTypes: since(1, array(int8), []),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    configResources: array({ resourceName: string, resourceType: since(1, int8, 16) }),
  },
})
