import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedApp, type SharedApp } from '../../../testkit/shared.ts'
import { Topchef, type Said } from '../../../testkit/fronts/topchef.ts'

/* Contract 6 and 7: queue, next, and the claim beside them. */

let app: SharedApp
let topchef: Topchef
beforeAll(async () => {
  app = await sharedApp()
  topchef = Topchef.of(app.admin)
})
afterAll(() => app.close())

const idsIn = (list: Pick<Said['data'], 'map'>) => list.map(({ id }) => `/jobs/${id}`)

test('6 an empty queue is 204 without a body, and so is its head', async () => {
  const service = await topchef.service()
  for (const [method, path] of [
    ['GET', 'queue'],
    ['GET', 'jobs/next'],
    ['POST', 'jobs/next'],
  ] as const) {
    const { status, text } = await topchef.call(method, `${service}/${path}`)
    expect([status, text], path).toEqual([204, ''])
  }
})

test('6 the queue shows the oldest ten that wait, and claims none', async () => {
  const service = await topchef.service()
  const jobs: string[] = []
  for (let n = 0; n < 12; n += 1) jobs.push(await topchef.job(service, { value: n + 1 }))
  await topchef.did('PATCH', jobs[0] ?? '', { status: 'WORKING' })
  for (let n = 0; n < 2; n += 1) {
    const { data, links, meta } = await topchef.did('GET', `${service}/queue`)
    expect(idsIn(data)).toEqual(jobs.slice(1, 11))
    expect(meta).toHaveProperty('data_schema')
    expect(links.self).toBe(`${topchef.base}${service}/queue`)
    const next = await topchef.did('GET', `${service}/jobs/next`)
    expect(next.data).toEqual(data[0])
    expect(next['meta']).toHaveProperty('job_schema')
  }
  // back in its old place
  await topchef.did('PATCH', jobs[0] ?? '', { status: 'REGISTERED' })
  expect(idsIn((await topchef.did('GET', `${service}/queue`)).data)).toEqual(jobs.slice(0, 10))
})

test('7 all who saw the same head may set it WORKING, also at once', async () => {
  const service = await topchef.service()
  const job = await topchef.job(service)
  const set = () => topchef.did('PATCH', job, { status: 'WORKING' })
  for (const changed of await Promise.all(Array.from({ length: 16 }, set)))
    expect(changed['status']).toBe('WORKING')
})

test('7 a claim gives each job to one worker, who keeps it without a sign of life', async () => {
  const service = await topchef.service()
  const jobs: string[] = []
  for (let n = 0; n < 6; n += 1) jobs.push(await topchef.job(service))
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      topchef.call('POST', `${service}/jobs/next`, { worker: `w${n}` }),
    ),
  )
  const given = claims.filter(({ status }) => status === 200).map(({ body }) => body.data)
  expect(claims.filter(({ status }) => status === 204)).toHaveLength(2)
  expect(idsIn(given).toSorted()).toEqual(jobs.toSorted())
  expect(given[0]).toEqual({
    id: expect.any(String),
    status: 'WORKING',
    parameters: { value: 1 },
    results: null,
    date_submitted: expect.any(String),
  })
  const ended = await topchef.did('PATCH', jobs[0] ?? '', { status: 'COMPLETED', results: {} })
  expect(ended).toMatchObject({ status: 'COMPLETED', results: {} })
})
