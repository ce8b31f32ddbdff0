import { IncrementalAlterConfigs } from '@odradek/protocol'
import { changed } from '../config/config-change.ts'
import { altered, overridesOf, valueInForce } from '../config/config-resource.ts'
import type { Handler } from '../handler.ts'

/** Changes single settings of topics and nodes. */
export const incrementalAlterConfigs: Handler<typeof IncrementalAlterConfigs> = {
  api: IncrementalAlterConfigs,
  async handle({ resources, validateOnly }, { broker }) {
    const responses = resources.map(asked => {
      return altered(asked, resources, broker, validateOnly, (kind, resource) => {
        const inForce = (name: string) => valueInForce(resource, name, broker)
        return changed(kind, overridesOf(resource, broker), inForce, asked.configs)
      })
    })
    return { responses: await Promise.all(responses) }
  },
}
