import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../testkit/shared.ts'
import {
  CreateRoute,
  DeleteRoute,
  GetRoute,
  ListRoutes,
  UpdateRoute,
} from '../../testkit/operations/routes.ts'
import { DeleteService, StopService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedQueue } from '../../testkit/seed/jobs.ts'
import {
  becomes,
  runningService,
  seedDeployment,
  seedService,
} from '../../testkit/seed/services.ts'

let app: SharedApp
let blue: Awaited<ReturnType<typeof runningService>>
let green: { id: string; handle: string }
beforeAll(async () => {
  app = await sharedApp()
  const says = `export const handler = async (request) => {
  const { pathname, search } = new URL(request.url)
  return new Response(\`\${process.env.COLOUR ?? 'blue'} \${request.method} \${pathname}\${search} \${await request.text()}\`)
}
`
  blue = await runningService(app.admin, { 'main.mjs': says }, { image: 'node' })
  const environment = [{ name: 'COLOUR', value: 'green' }]
  green = await seedService(app.admin, blue.versionId, { environment })
  await becomes(app.admin, green.id, 'READY')
})
afterAll(() => app.close())

type RouteInput = Parameters<typeof make>[0]
const make = async (input: {
  name: string
  serviceIds: string[]
  deploymentId?: string
  handle?: string
  addresses?: string[]
}) => (await app.admin.request(CreateRoute, { input })).createRoute
const made = async (input: RouteInput) => succeeded(await make(input), 'CreateRouteSuccess').route
const change = async (input: {
  id: string
  deploymentId?: string
  name?: string
  targets?: { serviceId: string; isActive?: boolean }[]
}) => (await app.admin.request(UpdateRoute, { input })).updateRoute

const call = (url: string, init: RequestInit = {}) =>
  fetch(url, { ...init, headers: app.admin.headers })
const said = async (url: string) => (await (await call(url)).text()).split(' ')[0]

test('a route is made, found by all its names, listed with its deployment, and called', async () => {
  const { deploymentId } = blue
  const route = await made({ name: 'default', deploymentId, serviceIds: [blue.id, green.id] })
  expect(route).toMatchObject({
    name: 'default',
    deployment: { id: deploymentId },
    targets: [
      { service: { id: blue.id }, isActive: true },
      { service: { id: green.id }, isActive: true },
    ],
    primary: { id: blue.id },
    annotations: null,
  })
  const [abeja] = route.addresses
  expect(abeja).toMatchObject({ front: 'ABEJA', text: expect.stringMatching(/^pnt-[0-9a-f]{16}$/) })
  expect(abeja?.path).toMatch(
    new RegExp(`^/abeja/organizations/\\d{13}/deployments/\\d{13}/endpoints/${abeja?.text}$`),
  )
  for (const id of [route.id, route.handle, `abeja:${abeja?.text}`])
    expect((await app.admin.request(GetRoute, { id })).route).toEqual(route)
  expect((await app.admin.request(GetRoute, { id: 'default', deploymentId })).route).toEqual(route)
  expect((await app.admin.request(GetRoute, { id: 'default' })).route).toBe(null)
  const { routes } = await app.admin.request(ListRoutes, { deploymentIds: [deploymentId] })
  expect(routes).toEqual({ totalCount: 1, nodes: [{ id: route.id }] })

  const answer = await call(`${route.invokeUrl}/a/b?c=d`, { method: 'POST', body: 'hello' })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toBe('blue POST /a/b?c=d hello')
  const path = new URL(route.invokeUrl).pathname.replace(route.id, `abeja:${abeja?.text}`)
  expect(await said(app.url + path)).toBe('blue')
})

test('requests go to the first active target, and to the next when that is turned off', async () => {
  const { id, invokeUrl } = await made({ name: 'switch', serviceIds: [blue.id, green.id] })
  expect(await said(invokeUrl)).toBe('blue')
  const turned = await change({
    id,
    targets: [{ serviceId: blue.id, isActive: false }, { serviceId: green.handle }],
  })
  expect(turned).toMatchObject({ route: { primary: { id: green.id } } })
  expect(await said(invokeUrl)).toBe('green')

  const off = [blue.id, green.id].map((serviceId) => ({ serviceId, isActive: false }))
  expect(await change({ id, targets: off })).toMatchObject({ route: { primary: null } })
  const none = await call(invokeUrl)
  expect(none.status).toBe(404)
  expect(await none.json()).toMatchObject({
    code: 'NOT_FOUND',
    detail: `There is no active service behind the route "${id}".`,
  })
  expect(await change({ id, targets: [] })).toMatchObject({ route: { targets: [] } })
  expect((await call(invokeUrl)).status).toBe(404)
})

test('a deleted service is out of its routes; a stopped one stays and says so', async () => {
  const gone = await seedService(app.admin, blue.versionId)
  await becomes(app.admin, gone.id, 'READY')
  const { id, invokeUrl } = await made({ name: 'left', serviceIds: [gone.id, green.id] })
  expect(await said(invokeUrl)).toBe('blue')
  await app.admin.request(StopService, { input: { id: gone.id } })
  const stopped = await call(invokeUrl)
  expect(stopped.status).toBe(409) // as through its own URL, and in words
  expect(await stopped.text()).toMatch(/The service is not running: it is STOPP/)
  await app.admin.request(DeleteService, { input: { id: gone.id } })
  const { route } = await app.admin.request(GetRoute, { id })
  expect(route).toMatchObject({
    targets: [{ service: { id: green.id } }],
    primary: { id: green.id },
  })
  expect(await said(invokeUrl)).toBe('green')

  const alone = await seedService(app.admin, blue.versionId)
  const other = await made({ name: 'alone', serviceIds: [alone.id] })
  await app.admin.request(DeleteService, { input: { id: alone.id } })
  expect((await call(other.invokeUrl)).status).toBe(404)
})

test('a name is one of its deployment, a handle one of the organization', async () => {
  const { deploymentId, id: serviceId } = blue
  const first = await made({ name: 'taken', deploymentId, serviceIds: [serviceId] })
  const conflict = { __typename: 'Conflict', code: 'CONFLICT', existing: { id: first.id } }
  expect(await make({ name: 'taken', deploymentId, serviceIds: [serviceId] })).toMatchObject({
    ...conflict,
    field: 'name',
  })
  expect(
    await make({ name: 'other', handle: first.handle, serviceIds: [serviceId] }),
  ).toMatchObject({ ...conflict, field: 'handle' })
  const second = await made({ name: 'second', deploymentId, serviceIds: [serviceId] })
  expect(await change({ id: second.id, name: 'taken' })).toMatchObject({
    ...conflict,
    field: 'name',
  })
  // without a deployment names are free
  const free = await made({ name: 'taken', serviceIds: [serviceId] })
  expect(free.deployment).toBe(null)
  expect(free.addresses).toEqual([])

  // by its name in the deployment it is changed and deleted too
  const renamed = await change({ id: 'taken', deploymentId, name: 'renamed' })
  expect(renamed).toMatchObject({ route: { id: first.id, name: 'renamed' } })
  const { deleteRoute } = await app.admin.request(DeleteRoute, {
    input: { id: 'renamed', deploymentId },
  })
  expect(deleteRoute).toMatchObject({ deletedId: first.id, route: { name: 'renamed' } })
  expect((await call(first.invokeUrl)).status).toBe(404)
  expect((await app.admin.request(GetRoute, { id: first.id })).route).toBe(null)
  const { id } = await made({
    name: 'taken',
    handle: first.handle,
    deploymentId,
    serviceIds: [serviceId],
  })
  expect(id).not.toBe(first.id)
})

test('a chosen address replaces the computed one and is free again after deletion', async () => {
  const addresses = ['abeja:my-endpoint']
  const { deploymentId } = blue
  const input = { name: 'addressed', deploymentId, serviceIds: [blue.id], addresses }
  const route = await made(input)
  expect(route.addresses).toEqual([
    {
      front: 'ABEJA',
      text: 'my-endpoint',
      path: expect.stringMatching(/\/endpoints\/my-endpoint$/),
    },
  ])
  expect(await make({ ...input, name: 'another' })).toMatchObject({
    __typename: 'Conflict',
    field: 'addresses',
  })
  await app.admin.request(DeleteRoute, { input: { id: 'abeja:my-endpoint' } })
  await made(input)
})

test('of two changes at once neither takes back the other', async () => {
  const { id } = await made({ name: 'changing', serviceIds: [blue.id] })
  for (let n = 0; n < 5; n += 1) {
    const isActive = n % 2 === 1
    await Promise.all([
      change({ id, name: `changing ${n}` }),
      change({ id, targets: [{ serviceId: green.id, isActive }] }),
    ])
    const { route } = await app.admin.request(GetRoute, { id })
    expect(route).toMatchObject({
      name: `changing ${n}`,
      targets: [{ service: { id: green.id }, isActive }],
    })
  }
})

test('what a route cannot lead to is told, each by its place', async () => {
  const { deploymentId } = blue
  const elsewhere = await seedDeployment(app.admin)
  const queue = await seedQueue(app.admin)
  const paths = async (input: RouteInput) => {
    const outcome = await make(input)
    return outcome.__typename === 'ValidationError' && outcome.issues.map(({ path }) => path)
  }
  const name = 'wrong'
  expect(await paths({ name, serviceIds: [] })).toEqual([['serviceIds']])
  expect(await paths({ name: ' ', serviceIds: [blue.id] })).toEqual([['name']])
  expect(await paths({ name, serviceIds: [blue.id, green.id, blue.handle] })).toEqual([
    ['serviceIds', '2'],
  ])
  expect(await paths({ name, deploymentId, serviceIds: [blue.id, queue] })).toEqual([
    ['serviceIds', '1'],
  ])
  expect(await paths({ name, deploymentId: elsewhere.id, serviceIds: [blue.id] })).toEqual([
    ['serviceIds', '0'],
  ])
  expect(await make({ name, serviceIds: ['nothing'] })).toMatchObject({ __typename: 'NotFound' })
  const { id, invokeUrl } = await made({ name, serviceIds: [queue] })
  expect(await (await call(invokeUrl)).text()).toContain('A queue cannot be called')
  const outcome = await change({ id, targets: [{ serviceId: queue }, { serviceId: queue }] })
  expect(outcome).toMatchObject({ issues: [{ path: ['targets', '1', 'serviceId'] }] })
})

test('nobody without a credential calls a route', async () => {
  const { invokeUrl } = await made({ name: 'closed', serviceIds: [blue.id] })
  expect((await fetch(invokeUrl)).status).toBe(401)
})
