import { AlterConfigs } from '@odradek/protocol'
import { replaced } from '../config/config-change.ts'
import { altered } from '../config/config-resource.ts'
import type { Handler } from '../handler.ts'

/** Replaces all settings of topics and nodes by those given; what is not given falls back to its default. */
export const alterConfigs: Handler<typeof AlterConfigs> = {
  api: AlterConfigs,
  async handle({ resources, validateOnly }, { broker }) {
    const responses = resources.map(asked => {
      return altered(asked, resources, broker, validateOnly, kind => replaced(kind, asked.configs))
    })
    return { responses: await Promise.all(responses) }
  },
}
