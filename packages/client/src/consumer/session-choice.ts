/** Who lives the life of a member, as the settings say. */
import { ProtocolError } from '@odradek/protocol'
import type { EngineSettings } from './engine-settings.ts'
import { EpochSession } from './epoch-session.ts'
import { GroupSession } from './group-session.ts'
import type { MemberSession, MemberSessionOptions } from './member-session.ts'
import { NegotiatedSession } from './negotiated-session.ts'

export function memberSession(settings: EngineSettings, options: MemberSessionOptions): MemberSession {
  const { groupProtocol, serverAssignor, assignors, sessionTimeoutMs, heartbeatIntervalMs } = settings
  const classic = () => new GroupSession({ ...options, assignors, sessionTimeoutMs, heartbeatIntervalMs })
  const consumer = (onDeclined: (errorCode: number) => void) =>
    new EpochSession({ ...options, serverAssignor, onDeclined })
  if (groupProtocol === 'classic') return classic()
  if (groupProtocol === 'auto') return new NegotiatedSession({ ...options, classic, consumer })
  return consumer(errorCode => {
    const message = `group '${options.groupId}' cannot be joined with groupProtocol 'consumer' here; 'auto' would use the classic protocol`
    options.trouble.fail(new ProtocolError(errorCode, { api: 'ConsumerGroupHeartbeat', message }))
  })
}
