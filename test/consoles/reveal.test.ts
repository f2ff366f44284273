import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { member, seedOrganization } from '../../testkit/seed/organizations.ts'

const Reveal = graphql(`
  query ConsolesReveal($id: ID!) {
    deployment(id: $id) {
      environment {
        name
        hidden: value
        value(reveal: true)
        again: value(reveal: true)
      }
    }
  }
`)
const Reveals = graphql(`
  query ConsolesReveals {
    activity(filter: { actions: ["revealSecret"] }, first: 1000) {
      nodes {
        subjectId
        actor {
          name
        }
        changes {
          field
          to
        }
      }
      totalCount
    }
  }
`)

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

test('who saw a secret is on record, once for all that is read again and again', async () => {
  const { id: organizationId, admin } = await seedOrganization(app)
  const environment = [
    { name: 'OPEN', value: 'to all' },
    ...Array.from({ length: 20 }, (_, n) => ({
      name: `SECRET_${n}`,
      value: `hidden ${n}`,
      isSecret: true,
    })),
  ]
  const { createDeployment } = await admin.request(CreateDeployment, {
    input: { name: 'secrets', environment },
  })
  const { id } = succeeded(createDeployment, 'CreateDeploymentSuccess').deployment
  for (let n = 0; n < 10; n += 1) {
    const { deployment } = await admin.request(Reveal, { id })
    expect(deployment?.environment).toContainEqual({
      name: 'SECRET_7',
      hidden: null,
      value: 'hidden 7',
      again: 'hidden 7',
    })
  }
  const { activity } = await admin.request(Reveals)
  expect(activity.totalCount).toBe(1)
  expect(activity.nodes[0]?.subjectId).toBe(id)
  expect(activity.nodes[0]?.changes.map(({ field }) => field).toSorted()).toEqual(
    Array.from({ length: 20 }, (_, n) => `environment.SECRET_${n}`).toSorted(),
  )
  expect(JSON.stringify(activity)).not.toContain('hidden')

  // somebody else's look is another one
  await (await member(app, organizationId, 'DEVELOPER')).request(Reveal, { id })
  expect((await admin.request(Reveals)).activity.totalCount).toBe(2)

  // who may not see is told so, sees what is open, and leaves nothing behind
  const viewer = await member(app, organizationId, 'VIEWER')
  const { data, errors } = await viewer.execute(Reveal, { id })
  expect(new Set(errors?.map(({ extensions }) => extensions?.['code']))).toEqual(
    new Set(['FORBIDDEN']),
  )
  const [open, secret] = data?.deployment?.environment ?? []
  expect(open).toEqual({ name: 'OPEN', hidden: 'to all', value: 'to all', again: 'to all' })
  expect(secret).toEqual({ name: 'SECRET_0', hidden: null, value: null, again: null })
  expect((await admin.request(Reveals)).activity.totalCount).toBe(2)
})
