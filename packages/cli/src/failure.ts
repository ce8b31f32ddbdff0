import { ErrorCodes, KafkaError, UsageError } from '@odradek/protocol'

/** What a person is told, and the exit code: 2 when the call or the configuration must change, 1 when the attempt failed. */
export interface Failure {
  message: string
  exitCode: 1 | 2 | 130
}

export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), exitCode: 1 }
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors[0])
  if (error.name === 'AbortError') return { message: 'interrupted', exitCode: 130 }
  // A topic that is not there is a wrong name as much as a missing topic; in the words of the protocol it is a failure.
  if (error instanceof KafkaError)
    return { message: error.message, exitCode: error instanceof UsageError && !(error.code in ErrorCodes) ? 2 : 1 }
  const known = systemFailures[(error as NodeJS.ErrnoException).code ?? '']
  if (known) return { message: known(error as SystemError), exitCode: 2 }
  // A bug: whoever reports it needs the place.
  return { message: error.stack ?? error.message, exitCode: 1 }
}

type SystemError = NodeJS.ErrnoException & { address?: string; port?: number }

const systemFailures: Record<string, (error: SystemError) => string> = {
  EACCES: e =>
    e.port === undefined
      ? `${e.path ?? e.message}: permission denied.`
      : `port ${e.port} needs rights this user lacks. Choose one above 1023 with --listen.`,
  ENOENT: e => `there is no ${e.path ?? 'such file'}.`,
  EISDIR: e => `${e.path ?? 'that'} is a folder, not a file.`,
  EMFILE: () => 'too many files are open: allow more with `ulimit -n`, for example 65536.',
  ENOSPC: e => `the disk is full${e.path === undefined ? '' : ` (${e.path})`}: make some space.`,
  EIO: e => `a disk fails (${e.syscall ?? 'input or output'}): see what the system says of it before you go on.`,
  EROFS: e => `${e.path ?? 'the folder'} is on a read-only disk. Choose another with --data DIR.`,
}
