export { embeddedGroups, offsetsTopicName } from './embedded-groups.ts'
export { Groups } from './groups.ts'
