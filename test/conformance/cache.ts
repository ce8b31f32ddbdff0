/** Where other people's programs are kept, fetched and built once: outside the repository and its dependencies. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'odradek')
