/**
 * A sync that failed. Its file or folder is not to be trusted until a restart has looked at it: the system may have dropped what it could
 * not write, so that asking once more would succeed without anything being durable.
 */
export class SyncFailure extends Error {
  /** The system's, where it said something. */
  readonly code: string | undefined

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = (options.cause as NodeJS.ErrnoException | undefined)?.code
  }
}

/** Waits for a sync; turns its failure into a SyncFailure. Without a descriptor nothing was tried, so nothing has failed. */
export async function durably(sync: Promise<void>): Promise<void> {
  try {
    await sync
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE') throw error
    throw new SyncFailure(message, { cause: error })
  }
}
