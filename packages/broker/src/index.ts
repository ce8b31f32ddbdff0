export type { BrokerServices, Handler, NodeAddress, RequestContext } from './handler.ts'
export { type Logger, quiet } from './logger.ts'
