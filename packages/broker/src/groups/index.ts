export { embeddedGroups, offsetsTopicName } from './embedded-groups.ts'
export { groupShard } from './group-shard.ts'
export { Groups } from './groups.ts'
