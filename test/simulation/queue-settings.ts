/** What the broker is told about share groups: everything is over soon. */
export const lockMs = 2_000
export const deliveryLimit = 10

export const queueConfig = {
  'group.share.min.session.timeout.ms': '6000',
  'group.share.session.timeout.ms': '6000',
  'group.share.min.heartbeat.interval.ms': '500',
  'group.share.heartbeat.interval.ms': '800',
  'group.share.min.record.lock.duration.ms': '1000',
  'group.share.record.lock.duration.ms': String(lockMs),
  'group.share.delivery.count.limit': String(deliveryLimit),
  'share.coordinator.state.topic.num.partitions': '1',
}
