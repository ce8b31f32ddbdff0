import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, preset, since, string } from '../schema.ts'

/** Settings of topics, brokers, groups and client metrics, with where each value comes from. Null configurationKeys means all. */
export const DescribeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexible: 4,
  request: {
    resources: array({
      resourceType: int8, // 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group
      resourceName: string,
      configurationKeys: nullable(array(string)),
    }),
    includeSynonyms: preset(bool, false), // KIP-226
    includeDocumentation: since(3, bool, false), // KIP-569
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    results: array({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: nullable(string),
        readOnly: bool,
        // 1 topic, 2 broker, 3 cluster-wide, 4 static, 5 default, 6 logger, 7 client metrics, 8 group
        configSource: preset(int8, -1),
        isSensitive: bool,
        // what the value would be without this one, and without that, …
        synonyms: array({ name: string, value: nullable(string), source: int8 }),
        // 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password
        configType: since(3, int8, 0),
        documentation: since(3, nullable(string), ''),
      }),
    }),
  },
})
