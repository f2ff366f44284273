import { afterAll, beforeAll, expect, test } from 'vitest'
import { frontNames, wordOf, type FrontName } from '../../src/rest/fronts.ts'
import { testApp, type TestApp } from '../../testkit/app.ts'
import { graphql } from '../../testkit/generated/index.ts'
import { CreateRoute } from '../../testkit/operations/routes.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'
import { seedQueue, submit } from '../../testkit/seed/jobs.ts'
import possibleTypes from '../../possibleTypes.json' with { type: 'json' }

/* Where objects say that fronts answer for them. */

let app: TestApp
beforeAll(async () => {
  app = await testApp(
    Object.fromEntries(frontNames.map((name) => [`ROOT_FRONT_${name}_PORT`, '0'])),
  )
})
afterAll(() => app.close())

const All = graphql(`
  query AddressesOfAll($ids: [ID!]!) {
    nodes(ids: $ids) {
      ...Printed
    }
    viewer {
      organization {
        ...Printed
      }
    }
    projects(first: 100) {
      nodes {
        ...Printed
      }
    }
    services(first: 100) {
      nodes {
        ...Printed
      }
    }
  }
`)
graphql(`
  fragment Printed on Addressable {
    __typename
    addresses {
      front
      text
      path
    }
  }
`)

/** An object of each type that fronts can name, and of some types several. */
async function everything() {
  const made = await seed(app.admin)
    .deployment()
    .version({ 'main.mjs': '' }, { image: 'node' })
    .service()
    .made()
  const { deploymentId, versionId, id } = made
  const routes = await Promise.all(
    [deploymentId, undefined].map(async (of, n) => {
      const input = { name: `route ${n}`, deploymentId: of, serviceIds: [id] }
      const { createRoute } = await app.admin.request(CreateRoute, { input })
      return succeeded(createRoute, 'CreateRouteSuccess').route.id
    }),
  )
  const job = await submit(app.admin, await seedQueue(app.admin))
  const ids = [deploymentId, versionId, id, ...routes, job.id]
  const { nodes, viewer, projects, services } = await app.admin.request(All, { ids })
  return [...nodes, viewer.organization, ...projects.nodes, ...services.nodes].flatMap((node) =>
    node !== null && 'addresses' in node ? [node] : [],
  )
}

const statusAt = async (base: string | undefined, path: string): Promise<number> =>
  (await fetch(`${base}${path}`, { headers: app.admin.headers })).status

test('a front answers at every path that an object prints, on the main port and on its own', async () => {
  const objects = await everything()
  expect([...new Set(objects.map(({ __typename }) => __typename))].toSorted()).toEqual(
    [...possibleTypes.Addressable].toSorted(),
  )
  const printed = new Map(
    objects.flatMap(({ addresses }) => addresses.map((one) => [one.path, one])),
  )
  expect([...new Set([...printed.values()].map(({ front }) => front))].toSorted()).toEqual(
    frontNames,
  )
  for (const [path, { front, text }] of printed) {
    expect(path).toContain(encodeURIComponent(text))
    expect(await statusAt(app.url, path), path).toBe(200)
    const prefix = `/${wordOf(front)}`
    expect(path.startsWith(`${prefix}/`), path).toBe(true)
    expect(await statusAt(app.fronts[front as FrontName], path.slice(prefix.length)), path).toBe(
      200,
    )
  }
})
