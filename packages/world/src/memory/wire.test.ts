import { wireContract } from '../contract/wire.suite.ts'
import { memoryWire } from './wire.ts'

wireContract('memory', () => ({ wire: memoryWire(), drive: promise => promise }))
