import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import { seedDeployment } from '../../testkit/seed/services.ts'

let app: TestApp
let deploymentId: string
let serviceId: string
beforeAll(async () => {
  app = await testApp({ OPEN_FRONTS: 'topchef' })
  deploymentId = (await seedDeployment(app.admin)).id
  serviceId = await seedQueue(app.admin)
})
afterAll(() => app.close())

const odd = ['a\u001b[2Jb', 'a\nb', 'a\tb', 'a\u007f', 'a\u009bb', 'a\u2028', 'a\u202eb', '\u2066a']
const queue = { queue: { functions: [{}] } }

/** Every mutation that takes a name, and where. */
const naming = (name: string): [mutation: string, input: object, path: string[]][] => [
  ['createOrganization', { name }, ['name']],
  ['createProject', { name }, ['name']],
  ['createDeployment', { name }, ['name']],
  ['updateDeployment', { id: deploymentId, name }, ['name']],
  ['createDeploymentVersion', { deploymentId, label: name }, ['label']],
  ['createDeploymentVersion', { deploymentId, label: 'l', image: name }, ['image']],
  ['createService', { name, backend: queue }, ['name']],
  [
    'createService',
    { name: 'a', backend: queue, addresses: [`abeja:${name}`] },
    ['addresses', '0'],
  ],
  ['updateService', { id: serviceId, name }, ['name']],
  ['createRoute', { name, serviceIds: [serviceId] }, ['name']],
  ['createToken', { name, role: 'VIEWER' }, ['name']],
  ['setMember', { email: 'a@b.example', role: 'VIEWER', name }, ['name']],
  ['setMember', { email: `${name}x@b.example`, role: 'VIEWER' }, ['email']],
  ['createUpload', { name }, ['name']],
  ['submitJob', { serviceId, lane: name }, ['lane']],
  ['submitJob', { serviceId, labels: [{ name, value: '' }] }, ['labels', '0', 'name']],
  ['submitJob', { serviceId, labels: [{ name: 'a', value: name }] }, ['labels', '0', 'value']],
  ['claimJobs', { serviceIds: [serviceId], claimId: 'c', worker: name }, ['worker']],
]

test('a name with control characters is refused by whatever takes one', async () => {
  for (const name of odd)
    for (const [mutation, input, path] of naming(name)) {
      const query = `mutation { ${mutation}(input: ${literal(input)}) { __typename ... on ValidationError { issues { path } } } }`
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...app.admin.headers },
        body: JSON.stringify({ query }),
      })
      expect([name, mutation, await response.json()]).toMatchObject([
        name,
        mutation,
        { data: { [mutation]: { __typename: 'ValidationError', issues: [{ path }] } } },
      ])
    }
})

test('a front refuses it in its own form', async () => {
  for (const name of odd) {
    const response = await fetch(`${app.url}/topchef/services`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, job_registration_schema: {}, job_result_schema: {} }),
    })
    expect([name, response.status]).toEqual([name, 400])
    expect(await response.json()).toMatchObject({ errors: expect.anything() })
  }
})

/** A value as GraphQL writes it; roles are enum values. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${key}: ${key === 'role' ? String(one) : literal(one)}`)
      .join(', ')} }`
  return JSON.stringify(value).replaceAll('\u007f', String.raw`\u007f`)
}
