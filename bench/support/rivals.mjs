// What users would write by hand: `bare` is node:http with one prepared query, `mercurius` its compiler with resolvers
// of our own over the same pool. Neither asks who calls, counts what a request costs, or bounds anything.
import { createServer } from 'node:http'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { Pool } from 'pg'
import { fromUUID, toUUID } from 'typeid-js'

const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })

const COLUMNS = `s.id, s.name, s.status, s."deploymentId"`
const ONE = `FROM "Service" AS s WHERE s.id = $1 AND s."deletedAt" IS NULL`
const PAGE = `FROM "Service" AS s WHERE s."deletedAt" IS NULL ORDER BY s.serial LIMIT $1`

/** @param {string} name @param {string} text @param {unknown[]} values */
const rows = async (name, text, values) => (await pool.query({ name, text, values })).rows

/** One statement for the service and its deployment. @param {string} from */
const joined = (from) => `
  SELECT t.*, d.name AS deployment FROM (SELECT ${COLUMNS}, s.serial ${from}) AS t
  JOIN "Deployment" AS d ON d.id = t."deploymentId" ORDER BY t.serial`

/** @param {Record<string, string>} row */
const written = ({ id, name, status, deploymentId, deployment }) => ({
  id: fromUUID(String(id), 'svc'),
  name,
  status,
  deployment: { id: fromUUID(String(deploymentId), 'dep'), name: deployment },
})

function bare() {
  const one = joined(ONE)
  const page = joined(PAGE)
  /** @param {Buffer[]} chunks @param {import('node:http').ServerResponse} response */
  const answer = async (chunks, response) => {
    const { id, first } = JSON.parse(Buffer.concat(chunks).toString()).variables
    const data =
      id === undefined
        ? { services: { nodes: (await rows('page', page, [first])).map(written) } }
        : { service: (await rows('one', one, [toUUID(id)])).map(written)[0] ?? null }
    const body = JSON.stringify({ data })
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  }
  const server = createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => void answer(chunks, response))
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}/graphql`)
  })
}

async function withMercurius() {
  const app = Fastify()
  await app.register(mercurius, {
    jit: 1,
    schema: `
      type Query { service(id: ID!): Service services(first: Int!): Services! }
      type Services { nodes: [Service!]! }
      interface Service { id: ID! name: String! status: String! }
      type ProcessService implements Service { id: ID! name: String! status: String! deployment: Deployment! }
      type Deployment { id: ID! name: String! }`,
    resolvers: {
      Query: {
        service: async (_root, { id }) =>
          (await rows('one', `SELECT ${COLUMNS} ${ONE}`, [toUUID(id)]))[0] ?? null,
        services: async (_root, { first }) => ({
          nodes: await rows('page', `SELECT ${COLUMNS} ${PAGE}`, [first]),
        }),
      },
      Service: { resolveType: () => 'ProcessService' },
      ProcessService: { id: ({ id }) => fromUUID(id, 'svc') },
      Deployment: { id: ({ id }) => fromUUID(id, 'dep') },
    },
    loaders: {
      ProcessService: {
        async deployment(queries) {
          const ids = queries.map(({ obj }) => obj.deploymentId)
          const found = await rows(
            'deployments',
            'SELECT id, name FROM "Deployment" WHERE id = ANY($1::uuid[])',
            [ids],
          )
          const byId = new Map(found.map((row) => [row.id, row]))
          return ids.map((id) => byId.get(id))
        },
      },
    },
  })
  console.log(`${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`)
}

if (process.argv[2] === 'bare') bare()
else await withMercurius()
