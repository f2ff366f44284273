import { randomUUID } from 'node:crypto'
import { getNamedType, type GraphQLObjectType } from 'graphql'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Reads } from '../../src/db/reads.ts'
import { DeploymentId, VersionId } from '../../src/deployments/index.ts'
import { OrganizationId, TokenId } from '../../src/organizations/index.ts'
import { keyOfTypeId } from '../../src/graph/node.ts'
import { RouteId } from '../../src/routes/index.ts'
import { ServiceId } from '../../src/services/index.ts'
import { Viewer } from '../../testkit/operations/organizations.ts'
import { SetMember } from '../../testkit/operations/people.ts'
import { CreateRoute } from '../../testkit/operations/routes.ts'
import { AppendLog } from '../../testkit/operations/workers.ts'
import { fieldOf, plainTypes } from '../../testkit/plain.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { claimOne, seedQueue, submit } from '../../testkit/seed/jobs.ts'
import { seedToken } from '../../testkit/seed/organizations.ts'
import { seed } from '../../testkit/seed/chain.ts'
import {
  argumentsOf,
  fieldsOf,
  isConnection,
  nodeTypes,
  objectTypes,
  selectionOf,
} from '../../testkit/selection.ts'
import { JobId, WorkerId } from '../../src/job-engine/index.ts'
import { succeed } from '../organizations/tenancy/send.ts'
import { numbered, streamApp, type StreamApp } from '../../testkit/stream-app.ts'

/*
 * How many SQL statements a list takes does not depend on how many rows it has: every connection of the schema is
 * asked for with 1 and with 100 rows, each row with all its fields, the objects within it and the lists within it.
 */
const MANY = 100

let app: StreamApp
/** By type, an object that has a hundred rows in each of its lists. */
const parents = new Map<string, string>()
// every connection to the database is one of these: what the server sends is seen where it leaves
const query = vi.spyOn(Client.prototype, 'query')
beforeAll(async () => {
  // every field of every row is more than a stranger may ask for
  app = await streamApp({
    MAX_TOKENS: '1000000',
    MAX_DEPTH: '200',
    MAX_ALIASES: '100000',
    MAX_COST: '1000000000',
  })
  await seedMany()
  await useOneConnection()
})
afterAll(async () => {
  vi.restoreAllMocks()
  await app.close()
})

/** So that answers come in the order in which they were asked for: what is looked up together does not depend on luck. */
async function useOneConnection(): Promise<void> {
  const { pool } = app.database
  pool.options.max = 1
  const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()))
  for (const client of clients) client.release(true)
  // and what is read over connections of its own takes the same one
  vi.spyOn(Reads.prototype, 'run').mockImplementation((sql, name) =>
    app.database.query(sql, { name }),
  )
}

async function seedMany(): Promise<void> {
  const { admin, database } = app
  const { viewer } = await admin.request(Viewer)
  const service = await seed(admin)
    .deployment()
    .version({ 'main.py': '' })
    .service({ environment: [{ name: 'A', value: '1' }] })
    .made()
  const { token } = await seedToken(admin, viewer.organization.id, 'VIEWER')
  const keys = {
    deployment: DeploymentId.read(service.deploymentId) ?? '',
    version: VersionId.read(service.versionId) ?? '',
    service: ServiceId.read(service.id) ?? '',
  }
  await app.print({ id: service.id, uuid: keys.service }, numbered(MANY))
  // all in one deployment; then each service with a version and a deployment of its own, so that no row finds what
  // another has looked up
  const versions = await copies('DeploymentVersion', keys.version, () => ({}))
  await copies('Service', keys.service, (n) => ({ versionId: versions[n] }))
  const deployments = await copies('Deployment', keys.deployment, () => ({}))
  const own = await copies('DeploymentVersion', keys.version, (n) => ({
    deploymentId: deployments[n],
  }))
  await copies('Service', keys.service, (n) => ({
    deploymentId: deployments[n],
    versionId: own[n],
  }))
  const queue = await seedQueue(admin)
  const job = await submit(admin, queue, { labels: [{ name: 'n', value: 'v' }] })
  const lease = await claimOne(admin, queue)
  const line = { jobId: job.id, fence: lease.fence, firstLine: 1, lines: numbered(MANY) }
  await admin.request(AppendLog, { input: line })
  await app.print({ id: queue, uuid: ServiceId.read(queue) ?? '' }, numbered(MANY))
  const jobKey = JobId.read(job.id) ?? ''
  // each of a service of its own, and run again a hundred times; and each service with as many
  const queueKey = ServiceId.read(queue) ?? ''
  const queues = await copies('Service', queueKey, () => ({}))
  await copies('Job', jobKey, () => ({ retryOfId: jobKey, rootId: jobKey }))
  await copies('Job', jobKey, (n) => ({ serviceId: queues[n] }))
  await copies('Job', jobKey, () => ({ serviceId: keys.service, worker: 'busy' }))
  const [workerKey] = (await database.pool.query<{ id: string }>('SELECT id FROM "Worker"')).rows
  // the last, which no page of a hundred has, has all jobs of one service
  const workers = await copies('Worker', workerKey?.id ?? '', (n) => ({
    name: n === MANY - 1 ? 'busy' : `${n}`,
    serviceIds: [n === MANY - 1 ? keys.service : queues[n]],
  }))
  await database.pool.query(`
    INSERT INTO "JobAttempt" ("jobId", number, "organizationId", "serviceId", worker, fence)
    SELECT j.id, n, j."organizationId", j."serviceId", 'w', n || '.x' FROM "Job" AS j, generate_series(2, 3) AS n`)
  await database.pool.query(`
    INSERT INTO "JobEvent" ("jobId", number, "serviceId", at, kind, actor, changes)
    SELECT j.id, n + 1000, j."serviceId", now(), 'PROGRESS', j.creator, '[]' FROM "Job" AS j, generate_series(1, ${MANY}) AS n`)
  const services = await copies('Service', keys.service, () => ({}))
  const { createRoute } = await admin.request(CreateRoute, {
    input: { name: 'route', deploymentId: service.deploymentId, serviceIds: [service.id] },
  })
  const { route } = succeeded(createRoute, 'CreateRouteSuccess')
  const routes = await copies('Route', RouteId.read(route.id) ?? '', (n) => ({
    deploymentId: deployments[n],
  }))
  await database.pool.query(
    `INSERT INTO "RouteTarget" ("routeId", place, "serviceId", "isActive")
     SELECT r.id, t.n, t.id, true FROM unnest($1::uuid[], $2::uuid[]) AS r(id, service),
       LATERAL (VALUES (0, service), (1, $3::uuid)) AS t(n, id)`,
    [routes, services, keys.service],
  )
  const people = await copies('User', await onlyId('User'), () => ({ isServerAdmin: false }))
  await database.pool.query(
    `INSERT INTO "Membership" ("userId", "organizationId", role)
     SELECT unnest($1::uuid[]), $2, 'VIEWER'`,
    [people, OrganizationId.read(viewer.organization.id)],
  )
  parents.set('Organization', viewer.organization.id)
  parents.set('Deployment', service.deploymentId)
  for (const type of plainTypes.filter((name) => isListed(name) && !parents.has(name))) {
    const noun = fieldOf(type)
    const made = await succeed(admin, `create${type}`, { name: 'plain' }, `${noun} { id }`)
    const { id } = made[noun] as { id: string } // selected just above
    await copies(type, keyOfTypeId(id).split(':')[1] ?? '', () => ({}))
    parents.set(type, id)
  }
  await copies('Token', TokenId.read(token.id) ?? '', (n) => ({ hash: `${n}` }))
  const { setMember } = await admin.request(SetMember, {
    input: { email: 'invited@example.com', role: 'VIEWER' },
  })
  succeeded(setMember, 'SetMemberSuccess')
  await copies('Invitation', await onlyId('Invitation'), (n) => ({ codeHash: `${n}` }))
  await database.pool.query(`
    INSERT INTO "AuditEntry" ("organizationId", actor, action, subject, changes)
    SELECT "organizationId", creator, 'createService', 'svc:' || id, '[]' FROM "Service" WHERE kind = 'PROCESS'`)
  await database.pool.query(`
    INSERT INTO "Event" (stream, number, at, kind, actor, changes)
    SELECT stream, place + 1000, at, 'UPDATED', actor, changes
    FROM "Event", generate_series(1, ${MANY}) AS place WHERE number = 1`)
  parents.set('Worker', WorkerId.text(workers.at(-1) ?? ''))
  parents.set('Job', job.id)
  parents.set('QueueService', queue)
  parents.set('ProcessService', service.id)
}

async function onlyId(table: string): Promise<string> {
  const { rows } = await app.database.pool.query<{ id: string }>(`SELECT id FROM "${table}"`)
  const [row] = rows
  if (row === undefined || rows.length > 1) throw new Error(`${table} has ${rows.length} rows.`)
  return row.id
}

/** A hundred rows like one that was made by the server, but for what names it and for `change`. */
async function copies(
  table: string,
  id: string,
  change: (n: number) => Record<string, unknown>,
): Promise<string[]> {
  const made = Array.from({ length: MANY }, () => randomUUID())
  const rows = made.map((uuid, n) => ({
    lane: null,
    email: uuid,
    handle: uuid,
    heldHandle: uuid,
    label: uuid,
    heldLabel: uuid,
    ...change(n),
    id: uuid,
  }))
  await app.database.pool.query(
    `INSERT INTO "${table}" SELECT copy.* FROM "${table}" AS t,
       jsonb_array_elements($2::jsonb) WITH ORDINALITY AS own(names, place),
       jsonb_populate_record(t, own.names || jsonb_build_object(
         'serial', nextval(pg_get_serial_sequence('"${table}"', 'serial')))) AS copy
     WHERE t.id = $1 ORDER BY own.place`,
    [id, JSON.stringify(rows)],
  )
  return made
}

/** Lists of what is no node are asked for within the rows of what is. */
const isAsked = (type: GraphQLObjectType): boolean =>
  type.name === 'Query' || nodeTypes.includes(type)

const lists = objectTypes.filter(isAsked).flatMap((type) =>
  fieldsOf(type)
    .filter(isConnection)
    .map((field) => ({ name: `${type.name}.${field.name}`, type, field })),
)

/** Whether a list of them is had from the root. */
const isListed = (node: string): boolean =>
  lists.some(
    ({ type, field }) =>
      type.name === 'Query' && getNamedType(field.type).name === `${node}Connection`,
  )

/** The operation that asks for `$first` rows of a list. */
function operation({ type, field }: (typeof lists)[number]): string {
  const page = selectionOf(getNamedType(field.type), { objects: 2, connections: 1 })
  const list = `list: ${field.name}${argumentsOf(field, '$first')} ${page}`
  if (type.name === 'Query') return `query ($first: Int!) { parent: __typename ${list} }`
  const id = parents.get(type.name)
  if (id === undefined || !nodeTypes.includes(type))
    throw new Error(`Give ${type.name} an object with ${MANY} rows in each of its lists.`)
  return `query ($first: Int!) { node(id: "${id}") { ... on ${type.name} { ${list} } } }`
}

/** The statements that one execution sends to the database. */
async function sent(document: string, first: number): Promise<string[]> {
  query.mockClear()
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...app.admin.headers },
    body: JSON.stringify({ query: document, variables: { first } }),
  })
  const { data, errors } = (await response.json()) as {
    data?: { list?: Page; node?: { list: Page } }
    errors?: unknown
  }
  expect(errors, document).toBe(undefined)
  const page = data?.list ?? data?.node?.list ?? {}
  expect(Object.values(page).find(Array.isArray), document).toHaveLength(first)
  const texts = query.mock.calls.map(([sql]: readonly unknown[]) =>
    typeof sql === 'string' ? sql : ((sql as { text?: string }).text ?? ''),
  )
  // a credential is remembered for a second: whether it is looked up again is a question of time, like all upkeep
  return texts.filter(
    (text) =>
      !/"lastUsedAt"|pg_control_checkpoint|pg_stat_all_tables|^(ANALYZE|VACUUM) /.test(text),
  )
}

type Page = Record<string, unknown>

const times = (texts: readonly string[], text: string): number =>
  texts.filter((other) => other === text).length

/** What many rows ask for more often than one row does. */
const surplus = (one: readonly string[], many: readonly string[]): string[] =>
  [...new Set(many)]
    .map((text) => ({ text, more: times(many, text) - times(one, text) }))
    .filter(({ more }) => more > 0)
    .map(({ text, more }) => `${more} more: ${text.replaceAll(/(\$\d+,)+/g, '').slice(0, 500)}`)

test('a list of 100 rows takes as many statements as a list of one', async () => {
  const counts: string[] = []
  for (const list of lists) {
    const document = operation(list)
    await sent(document, 1) // whoever reads the history first numbers it
    const one = await sent(document, 1)
    const many = await sent(document, MANY)
    const more = `${list.name}\n${surplus(one, many).join('\n')}\n${document}`
    expect(many.length, more).toBe(one.length)
    counts.push(`${list.name}: ${one.length}`)
  }
  await expect(`${counts.toSorted().join('\n')}\n`).toMatchFileSnapshot('./statements.txt')
})
