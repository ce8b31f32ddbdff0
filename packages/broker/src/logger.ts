/** Where the broker tells its operator what happens: structured fields, and one sentence. The command line brings a pretty one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing: the default of an embedded broker. */
export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }
