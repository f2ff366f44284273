import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { Client } from '../../testkit/client.ts'
import { CreateService, update } from '../../testkit/operations/services.ts'
import { succeeded, whole } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'

/* On a runtime that heeds sizes, as far as the API can tell. rollout.test.ts has one that does not. */

let app: StreamApp
let versionId: string
beforeAll(async () => {
  app = await streamApp({}, undefined, { heedsSize: true })
  ;({ versionId } = await seed(app.admin).deployment().version({ 'main.py': '' }).made())
})
afterAll(() => app.close())

const InstanceTypes = graphql(`
  query SizesInstanceTypes {
    instanceTypes {
      name
      description
      cpu
      memoryBytes
    }
  }
`)
const Size = graphql(`
  query SizesOf($id: ID!) {
    service(id: $id) {
      ... on ProcessService {
        instanceType
      }
    }
  }
`)

let count = 0
const create = async (instanceType?: string) =>
  (
    await app.admin.request(CreateService, {
      input: {
        name: `s ${(count += 1)}`,
        backend: { process: { versionId, instanceType, scale } },
      },
    })
  ).createService
const sizeOf = async (id: string) =>
  whole((await app.admin.request(Size, { id })).service)?.instanceType
const sizeOfNew = async (size?: string) =>
  sizeOf(succeeded(await create(size), 'CreateServiceSuccess').service.id)
const resize = async (id: string, instanceType: string) =>
  (await update(app.admin, { id, backend: { process: { instanceType } } })).updateService
/** Its size after it was changed to this one, which must be allowed. */
const resized = async (id: string, instanceType: string) => {
  succeeded(await resize(id, instanceType), 'UpdateServiceSuccess')
  return sizeOf(id)
}
const scale = { desired: 1 }
const refusal = {
  __typename: 'ValidationError',
  issues: [
    {
      path: ['backend', 'process', 'instanceType'],
      message: expect.stringMatching(/There are cpu-0\.25, cpu-1, .*gpu:b-8/),
    },
  ],
}

test('sizes are listed, the smallest first, to whoever has a credential', async () => {
  const { instanceTypes } = await app.admin.request(InstanceTypes)
  expect(instanceTypes.slice(0, 2)).toEqual([
    {
      name: 'cpu-0.25',
      description: '0.25 CPUs, 1 GiB of memory',
      cpu: 0.25,
      memoryBytes: 2 ** 30,
    },
    { name: 'cpu-1', description: '1 CPU, 4 GiB of memory', cpu: 1, memoryBytes: 2 ** 32 },
  ])
  expect(instanceTypes.find(({ name }) => name === 'gpu:b-4')).toEqual({
    name: 'gpu:b-4',
    description: '4 GPUs, 16 CPUs, 64 GiB of memory, category B',
    cpu: 16,
    memoryBytes: 2 ** 36,
  })
  await expect(new Client(app.url, undefined).request(InstanceTypes)).rejects.toThrow()
})

test('a service has a size of the list or of its forms, and no other', async () => {
  expect(await sizeOfNew()).toBe('cpu-1')
  for (const size of [
    'cpu-16',
    'gpu:a-1',
    'cpu-3',
    'cpu-0.5',
    'gpu-1',
    'gpu:d-2',
    'cpu-0',
    'cpu-1024',
    'gpu:c-0.125',
  ])
    expect(await sizeOfNew(size)).toBe(size)
  for (const size of [
    '',
    'large',
    'c5.large',
    'cpu',
    'cpu-',
    'cpu--1',
    'cpu:a-1',
    'cpu-1.',
    'cpu-.5',
    'cpu-1e3',
    'cpu-1.2.3',
    'gpu:-1',
    'gpu:ab-1',
    'cpu-1\n',
    `cpu-${'1'.repeat(200)}`,
    'gpu:e-1',
    'CPU-1',
    'cpu-1 ',
  ])
    expect(await create(size), size).toMatchObject(refusal)
})

test('another size is rolled out where the runtime heeds it; one of a time when any was taken stays', async () => {
  const { id } = succeeded(await create('cpu-1'), 'CreateServiceSuccess').service
  const { service } = app.database.prisma
  const where = { name: `s ${count}` }
  const generation = async () => (await service.findFirstOrThrow({ where })).generation
  const first = await generation()
  expect(await resized(id, 'cpu-1')).toBe('cpu-1')
  expect(await generation()).toBe(first)
  expect(await resized(id, 'cpu-2')).toBe('cpu-2')
  expect(await generation()).toBe(first + 1)

  await service.updateMany({ where, data: { instanceType: 'huge' } })
  expect(await resized(id, 'huge')).toBe('huge')
  expect(await resize(id, 'huger')).toMatchObject(refusal)
})
