import type { SessionStore, Timestamped, Windowed, WindowStore } from '../state/stores.ts'
import type { TableNode } from './flow.ts'

type Read<S, K, V> = (store: S, window: Windowed<K>) => Timestamped<V> | undefined

/** A table of windows: others read it in the store of windows. */
export const windowTable = <K, V>(store: string): TableNode<Windowed<K>, V> =>
  tableOver<WindowStore<K, V>, K, V>(store, (windows, { key, start }) => windows.fetch(key, start))

/** A session is as old as its end. */
export const sessionTable = <K, V>(store: string): TableNode<Windowed<K>, V> =>
  tableOver<SessionStore<K, V>, K, V>(store, (sessions, session) => {
    const value = sessions.fetch(session)
    return value === undefined ? undefined : { value, timestamp: session.end }
  })

function tableOver<S extends WindowStore<K, V> | SessionStore<K, V>, K, V>(
  name: string,
  read: Read<S, K, V>,
): TableNode<Windowed<K>, V> {
  let sends = false
  return {
    sendOldValues() {
      sends = true
      return true
    },
    get sendsOldValues() {
      return sends
    },
    getter: () => ({
      stores: [name],
      make() {
        let store: S
        return {
          init: context => {
            store = context.store(name)
          },
          get: window => read(store, window),
          getAsOf: window => read(store, window),
          isVersioned: false,
        }
      },
    }),
    isVersioned: false,
  }
}
