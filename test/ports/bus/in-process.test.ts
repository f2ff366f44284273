import { expect, test } from 'vitest'
import { inProcessBus } from '../../../src/ports/bus/in-process.ts'
import { until } from '../../../testkit/until.ts'
import { conformsToBus } from './conformance.ts'
import { recordingLog } from './recording-log.ts'

conformsToBus('inProcessBus', () => inProcessBus({ log: recordingLog().log }))

test('what a listener throws is logged with its topic', async () => {
  const { log, lines } = recordingLog()
  const bus = inProcessBus({ log })
  await bus.subscribe('job.changed', () => {
    throw new Error('no such job')
  })
  bus.publish('job.changed', '1')
  await until(() => lines.length > 0)
  expect(lines).toEqual([
    expect.objectContaining({
      level: 50,
      topic: 'job.changed',
      err: expect.objectContaining({ message: 'no such job' }),
    }),
  ])
})
