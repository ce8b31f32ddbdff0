/** The suites of producer and Admin against the cluster named by ODRADEK_TEST_BROKER, else against our own broker. */
import { adminSuite } from './admin.suite.ts'
import { producerSuite } from './producer.suite.ts'

producerSuite()
adminSuite()
