import { randomUUID } from 'node:crypto'
import {
  TopchefClaimJobDocument,
  TopchefQueueDocument,
  type TopchefQueueQuery,
} from '../../generated/operations/graphql.ts'
import { done } from '../problem.ts'
import { json, type Reply } from '../reply.ts'
import { route, type Asked } from '../route.ts'
import { about } from './about.ts'
import { BodyFields, readBody } from './body.ts'
import { inService } from './guards.ts'
import { noService, SERVICE, service } from './ids.ts'
import { nextMeta, queueMeta, self } from './meta.ts'
import { fullJob } from './objects.ts'
import { ref } from './schemas.ts'

const tag = 'Queue'
const failures = { 404: 'There is no such service, or the id is no UUID.' }

/** Jobs that a look at the queue shows. */
const SHOWN = 10

/** There is nothing to do, which is said without a word. */
const nothing: Reply = { status: 204, headers: {}, body: '' }

function waiting({ service: found }: TopchefQueueQuery, asked: Asked) {
  if (found === null) throw noService(asked)
  return found.jobs.nodes
}

export const queueRoutes = [
  route({
    method: 'GET',
    path: `${SERVICE}/queue`,
    about: about({
      id: 'get_queue',
      summary: 'The oldest ten jobs that wait; 204 when there are none',
      tag,
      answer: ref('QueueAnswer'),
      failures,
    }),
    operation: TopchefQueueDocument,
    variables: (asked) => ({ service: service(asked), first: SHOWN }),
    reply(found, asked) {
      const jobs = waiting(found, asked)
      if (jobs.length === 0) return nothing
      return json(200, { data: jobs.map(fullJob), meta: queueMeta, links: self(asked) })
    },
  }),
  route({
    method: 'GET',
    path: `${SERVICE}/jobs/next`,
    about: about({
      id: 'get_next_job',
      summary: 'The oldest job that waits, which is not claimed by that; 204 when there is none',
      tag,
      answer: ref('NextAnswer'),
      failures,
    }),
    operation: TopchefQueueDocument,
    variables: (asked) => ({ service: service(asked), first: 1 }),
    reply(found, asked) {
      const [next] = waiting(found, asked)
      if (next === undefined) return nothing
      return json(200, { data: fullJob(next), meta: nextMeta, links: self(asked) })
    },
  }),
  route({
    method: 'POST',
    path: `${SERVICE}/jobs/next`,
    about: about({
      id: 'claim_next_job',
      summary:
        'Take the next job: it is WORKING then, and nobody else gets it; 204 when there is none',
      tag,
      body: ref('Claim'),
      isBodyOptional: true,
      answer: ref('NextAnswer'),
      failures: { ...failures, 400: 'The name of the worker is wrong.' },
    }),
    operation: TopchefClaimJobDocument,
    guard: inService,
    variables(asked) {
      const serviceIds = [service(asked)]
      const body = readBody(asked)
      const fields = body && new BodyFields(body)
      const worker = fields?.text('worker') ?? 'TopChef'
      fields?.check()
      return { input: { serviceIds, worker, claimId: randomUUID(), leaseSeconds: null } }
    },
    reply({ claimJobs }, asked) {
      const [lease] = done(claimJobs).leases
      if (lease === undefined) return nothing
      return json(200, { data: fullJob(lease.job), meta: nextMeta, links: self(asked) })
    },
  }),
]
