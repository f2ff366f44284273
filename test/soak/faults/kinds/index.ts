/** Everything that is made to fail. */
import { clockFaults } from './clock.ts'
import { diskFaults } from './disk.ts'
import type { Fault } from './fault.ts'
import { networkFaults } from './network.ts'
import { postgresFaults } from './postgres.ts'
import { readerFaults } from './readers.ts'
import { redisFaults } from './redis.ts'
import { serverFaults } from './server.ts'

export type { Fault, Injury, Scene } from './fault.ts'

export const faults: readonly Fault[] = [
  ...serverFaults,
  ...postgresFaults,
  ...redisFaults,
  ...networkFaults,
  ...diskFaults,
  ...clockFaults,
  ...readerFaults,
]
