import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { runningService, seedDeployment } from '../../testkit/seed/services.ts'
import { until } from '../../testkit/until.ts'
import { doors } from './doors.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ OPERATION_TIMEOUT_SECONDS: '3' })
})
afterAll(() => app.close())

test('an operation that takes too long is answered TIMEOUT on every door; a subscription may last', async () => {
  const subscription = app.admin.socket()
  const received: unknown[] = []
  subscription.subscribe(
    { query: 'subscription { organizationChanged { activities { action } } }' },
    {
      next: (result) =>
        received.push(
          ...((result.data?.['organizationChanged'] as { activities: unknown[] } | undefined)
            ?.activities ?? []),
        ), // as selected
      error: (cause) => received.push(cause),
      complete: () => received.push('complete'),
    },
  )
  const silent = { 'main.mjs': 'export const handler = () => new Promise(() => {})\n' }
  const { id } = await runningService(app.admin, silent, { image: 'node' })
  const query =
    'mutation ($id: ID!) { invokeService(input: { id: $id }) { ... on UserError { code message } } }'
  await Promise.all(
    Object.entries(doors).map(async ([door, ask]) => {
      const { data, errors, status } = await ask(app.admin, { query, variables: { id } })
      expect({ door, data, errors, isFault: (status ?? 200) >= 500 }).toMatchObject({
        door,
        data: null,
        errors: [{ message: expect.stringContaining('3 s'), extensions: { code: 'TIMEOUT' } }],
        isFault: false,
      })
    }),
  )
  const before = received.length
  await seedDeployment(app.admin)
  await until(() => received.length > before)
  expect(received).not.toContain('complete')
  await subscription.dispose()
})
