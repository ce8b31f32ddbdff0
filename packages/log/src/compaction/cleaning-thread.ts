/** Where the thread of a cleaner begins: what it loads and does from here on comes after what somebody waits for. */
import { lowerPriority } from '@odradek/world/real/thread'

lowerPriority()
await import('./cleaning-work.ts')
