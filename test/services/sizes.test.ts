import { afterAll, beforeAll, expect, test } from 'vitest'
import { graphql } from '../../testkit/generated/index.ts'
import { streamApp, type StreamApp } from '../../testkit/stream-app.ts'
import { Client } from '../../testkit/client.ts'
import { whole } from '../../testkit/outcome.ts'
import { seedDeployment, seedVersion } from '../../testkit/seed/services.ts'

/* On a runtime that heeds sizes, as far as the API can tell. rollout.test.ts has one that does not. */

let app: StreamApp
let versionId: string
beforeAll(async () => {
  app = await streamApp({}, undefined, { heedsSize: true })
  const { id } = await seedDeployment(app.admin)
  versionId = await seedVersion(app.admin, id, {
    'main.py': 'def handler(request, context):\n    return {}\n',
  })
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
const Create = graphql(`
  mutation SizesCreate($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        service {
          id
          ... on ProcessService {
            instanceType
          }
        }
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`)
const Resize = graphql(`
  mutation SizesUpdate($input: UpdateServiceInput!) {
    updateService(input: $input) {
      __typename
      ... on UpdateServiceSuccess {
        service {
          status
          ... on ProcessService {
            instanceType
          }
        }
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
    }
  }
`)

let count = 0
const create = async (instanceType?: string) =>
  (
    await app.admin.request(Create, {
      input: {
        name: `s ${(count += 1)}`,
        backend: { process: { versionId, instanceType, scale } },
      },
    })
  ).createService
const sizeOfNew = async (size?: string) => {
  const made = await create(size)
  return made.__typename === 'CreateServiceSuccess' ? whole(made.service)?.instanceType : made
}
const resize = async (id: string, instanceType: string) =>
  (await app.admin.request(Resize, { input: { id, backend: { process: { instanceType } } } }))
    .updateService
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
  for (const size of ['cpu-16', 'gpu:a-1', 'cpu-3', 'cpu-0.5', 'gpu-1', 'gpu:d-2'])
    expect(await sizeOfNew(size)).toBe(size)
  for (const size of [
    '',
    'large',
    'c5.large',
    'cpu',
    'cpu-0',
    'cpu--1',
    'gpu:e-1',
    'CPU-1',
    'cpu-1 ',
  ])
    expect([size, await create(size)]).toEqual([size, refusal])
})

test('another size is rolled out where the runtime heeds it; one of a time when any was taken stays', async () => {
  const made = await create('cpu-1')
  if (made.__typename !== 'CreateServiceSuccess') throw new Error(made.__typename)
  const { id } = made.service
  const { service } = app.database.prisma
  const where = { name: `s ${count}` }
  const generation = async () => (await service.findFirstOrThrow({ where })).generation
  const first = await generation()
  expect(await resize(id, 'cpu-1')).toMatchObject({ service: { instanceType: 'cpu-1' } })
  expect(await generation()).toBe(first)
  expect(await resize(id, 'cpu-2')).toMatchObject({ service: { instanceType: 'cpu-2' } })
  expect(await generation()).toBe(first + 1)

  await service.updateMany({ where, data: { instanceType: 'huge' } })
  expect(await resize(id, 'huge')).toMatchObject({ service: { instanceType: 'huge' } })
  expect(await resize(id, 'huger')).toEqual(refusal)
})
