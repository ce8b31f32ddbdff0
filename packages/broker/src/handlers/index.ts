import type { Handler } from '../handler.ts'

/** Every API this broker serves, by key. ApiVersions advertises exactly these; a key that is not here closes the connection. */
export const handlers: ReadonlyMap<number, Handler> = byKey([])

function byKey(all: readonly Handler<any>[]): Map<number, Handler> {
  return new Map(all.map(handler => [handler.api.key, handler]))
}
