import { logEngineContract } from './contract/log-engine-contract.ts'
import { engineOnMemoryDisk, engineOnRealDisk, engineOnSimulatedDisk } from './testing/engines.ts'

logEngineContract('the embedded engine on a real disk', engineOnRealDisk)
logEngineContract('the embedded engine in memory', engineOnMemoryDisk)
logEngineContract('the embedded engine on a simulated disk with little memory', engineOnSimulatedDisk)
