import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../../testkit/app.ts'
import { Viewer } from '../../../testkit/operations/organizations.ts'
import { member } from '../../../testkit/seed/organizations.ts'
import { Topchef } from '../../../testkit/fronts/topchef.ts'

/* Workers with the role that docs/fronts/topchef.md tells labs to give them, each with a token of its own. */

let app: TestApp
let lab: Topchef
let worker: Topchef
let colleague: Topchef
let claimer: Topchef
let service: string
beforeAll(async () => {
  app = await testApp({ OPEN_FRONTS: 'topchef', OPEN_FRONT_ROLE: 'VIEWER' })
  lab = Topchef.of(app.admin)
  const { organization } = (await app.admin.request(Viewer)).viewer
  const of = async (role: 'VIEWER' | 'WORKER') =>
    Topchef.of(await member(app, organization.id, role))
  worker = await of('VIEWER')
  colleague = await of('VIEWER')
  claimer = await of('WORKER')
  service = await lab.service()
})
afterAll(() => app.close())

const at = (path: string) => path.split('/').at(-1) ?? ''

/** What a lab's worker does with the head of the queue, write by write. */
async function work(by: Topchef, job: string) {
  const { data: queue } = await by.did('GET', `${service}/queue`)
  expect(queue.map(({ id }) => id)).toContain(at(job))
  const read = async () => (await by.did('GET', job)).data
  await by.did('PUT', job, { ...(await read()), status: 'WORKING' })
  await by.did('PUT', job, { ...(await read()), result: { sum: 1 } })
  await by.did('PUT', job, { ...(await read()), status: 'COMPLETED' })
  // its state first and the results after it, and thinking better of it
  await by.did('PATCH', job, { results: { sum: 2 } })
  await by.did('PATCH', job, { status: 'ERROR' })
  expect(await read()).toMatchObject({ status: 'ERROR', results: { sum: 2 } })
}

/** What is nobody's to change but of whoever holds it. */
async function isRefused(by: Topchef, job: string) {
  const before = (await lab.did('GET', job)).data
  for (const change of [{ status: 'ERROR' }, { results: { sum: 9 } }, { status: 'REGISTERED' }])
    for (const method of ['PATCH', 'PUT']) {
      const { status, body } = await by.call(method, job, change)
      expect([status, body.errors[0]?.status_code]).toEqual([403, 403])
    }
  expect((await lab.did('GET', job)).data).toEqual(before)
}

test('a worker that is VIEWER reads the queue, checks in, and writes states and results of its jobs', async () => {
  await worker.did('PATCH', service)
  const job = await lab.job(service)
  await work(worker, job)
  await isRefused(colleague, job)
})

test('a worker without a credential does the same on an open front', async () => {
  const nobody = new Topchef(lab.base, {})
  const job = await lab.job(service)
  await work(nobody, job)
  await isRefused(worker, job)
})

test('a job that was claimed is in the hands of who claimed it; who may change the service may change it too', async () => {
  const job = await lab.job(service)
  const { data } = await worker.did('POST', `${service}/jobs/next`, { worker: 'bench-2' })
  expect(data.id).toBe(at(job))
  await isRefused(colleague, job)
  await worker.did('PATCH', job, { status: 'COMPLETED', results: { sum: 3 } })
  await isRefused(colleague, job)
  await lab.did('PATCH', job, { status: 'REGISTERED' })
  await colleague.did('PATCH', job, { status: 'WORKING' })
  await isRefused(worker, job)
})

test('a WORKER sees no list, and of jobs what it may begin and what it works on', async () => {
  const [free, taken] = [await lab.job(service), await lab.job(service)]
  await worker.did('PATCH', taken, { status: 'WORKING' })
  for (const path of ['/services', '/jobs'])
    expect((await claimer.did('GET', path)).data).toEqual([])
  for (const path of ['', '/jobs', '/queue', '/jobs/next'])
    expect((await claimer.call('GET', service + path)).status).toBe(404)
  expect((await claimer.call('GET', taken)).status).toBe(404)
  expect((await claimer.did('GET', free)).data).toMatchObject({ status: 'REGISTERED' })
  await claimer.did('PATCH', free, { status: 'WORKING' })
  await claimer.did('PATCH', free, { status: 'COMPLETED', results: { sum: 4 } })
  expect((await claimer.call('GET', free)).status).toBe(404)
  expect((await lab.did('GET', free)).data).toMatchObject({ status: 'COMPLETED' })
})
