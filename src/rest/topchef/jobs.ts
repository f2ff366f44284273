import { isDeepStrictEqual } from 'node:util'
import {
  TopchefAmendJobDocument,
  TopchefJobDocument,
  TopchefJobsDocument,
  TopchefJobsOfServiceDocument,
  TopchefSubmitJobDocument,
  type TopchefJobFragment,
} from '../../generated/operations/graphql.ts'
import { JsonText, stringify } from '../../kit/json/json.ts'
import type { Execute } from '../execute.ts'
import { listing } from '../listing.ts'
import { done } from '../problem.ts'
import { json } from '../reply.ts'
import { route, sequence, type Asked } from '../route.ts'
import { about } from './about.ts'
import { fieldsOf } from './body.ts'
import { inService } from './guards.ts'
import { JOB, job, noJob, noService, SERVICE, service } from './ids.ts'
import { jobMeta, jobsMeta, self, serviceJobsMeta } from './meta.ts'
import { aliasedJob, fullJob, shortJob, statusOf, words } from './objects.ts'
import { ref } from './schemas.ts'

const tag = 'Jobs'
const failures = { 404: 'There is no such job, or the id is no UUID.' }
const ofService = { 404: 'There is no such service, or the id is no UUID.' }

/** Jobs with all they hold on the first page: each may be large. */
const FIRST_PAGE = 16

async function jobOf(asked: Asked, execute: Execute): Promise<TopchefJobFragment> {
  const { job: found } = await execute(TopchefJobDocument, { job: job(asked) }, asked.ctx)
  if (found === null) throw noJob(asked)
  return found
}

/** Whether two values are the same; long numbers by their digits. */
const isSame = (one: JsonText, other: unknown): boolean =>
  isDeepStrictEqual(one.toJSON(), other instanceof JsonText ? other.toJSON() : other)

/** What a body sets of a job; what is null stays, and so does whatever else it holds. */
function amendmentIn(asked: Asked, { result: stored }: TopchefJobFragment) {
  const fields = fieldsOf(asked)
  const given = (name: string) => (fields.isNull(name) ? undefined : fields.object(name))
  const results = given('results')
  const alias = given('result')
  const word = fields.isNull('status') ? undefined : fields.text('status')
  const status = word === undefined ? undefined : statusOf(word)
  if (word !== undefined && status === undefined)
    fields.refuse('status', `Must be one of ${Object.values(words).slice(0, 4).join(', ')}.`)
  fields.check()
  // whoever read the job has both keys, and changes the one it knows of
  const result = alias !== undefined && !isSame(alias, stored) ? alias : results
  return { status, result }
}

/** Sets status and results in one move, and answers the job as it is then. */
async function amend(asked: Asked, execute: Execute): Promise<TopchefJobFragment> {
  const before = await jobOf(asked, execute)
  const { status, result } = amendmentIn(asked, before)
  if (status === undefined && result === undefined) return before
  const input = { id: job(asked), status, result }
  const hasResult = result !== undefined
  const { amendJob } = await execute(TopchefAmendJobDocument, { input, hasResult }, asked.ctx)
  const after = { ...before, ...done(amendJob).job }
  return result === undefined ? after : { ...after, result }
}

const change = {
  body: ref('JobChange'),
  failures: {
    ...failures,
    400: 'A value is wrong, or the results do not fit the schema: nothing was changed.',
  },
}

export const jobRoutes = [
  listing({
    method: 'GET',
    path: `${SERVICE}/jobs`,
    about: about({
      id: 'get_jobs_of_service',
      summary: 'All jobs of a service, oldest first',
      tag,
      answer: ref('JobsAnswer'),
      failures: ofService,
    }),
    operation: TopchefJobsOfServiceDocument,
    firstPage: FIRST_PAGE,
    variables: (asked) => ({ service: service(asked) }),
    connection: ({ service: found }, asked) => {
      if (found === null || !('jobs' in found)) throw noService(asked)
      return found.jobs
    },
    item: fullJob,
    around({ service: found }, asked) {
      const schema = found !== null && 'functions' in found && found.functions[0]?.parametersSchema
      const meta = serviceJobsMeta(schema || {})
      return ['{"data":[', `],"meta":${stringify(meta)},"links":${stringify(self(asked))}}`]
    },
  }),
  route({
    method: 'POST',
    path: `${SERVICE}/jobs`,
    about: about({
      id: 'submit_job',
      summary: 'Submit a job; its URL is in Location',
      tag,
      body: ref('NewJob'),
      status: 201,
      answer: ref('NewJobAnswer'),
      failures: { ...ofService, 400: 'The parameters are missing, or do not fit the schema.' },
    }),
    operation: TopchefSubmitJobDocument,
    guard: inService,
    variables(asked) {
      const serviceId = service(asked)
      const fields = fieldsOf(asked)
      fields.require('parameters')
      const parameters = fields.object('parameters')
      fields.check()
      return { input: { serviceId, function: null, parameters } }
    },
    reply({ submitJob }, asked) {
      const { job: made } = done(submitJob)
      const data = { ...fullJob(made), job_details: aliasedJob(made, asked) }
      const location = `${asked.base}/jobs/${made.address}`
      return json(201, { data, meta: `Job ${made.address} was submitted` }, { location })
    },
  }),
  listing({
    method: 'GET',
    path: '/jobs',
    about: about({
      id: 'get_jobs',
      summary: 'All jobs of all services, oldest first',
      tag,
      answer: ref('ShortJobsAnswer'),
      failures: {},
    }),
    operation: TopchefJobsDocument,
    variables: () => ({}),
    connection: ({ jobs }) => jobs,
    item: shortJob,
    around: (_data, asked) => [
      '{"data":[',
      `],"meta":${jobsMeta.text},"links":${stringify(self(asked))}}`,
    ],
  }),
  route({
    method: 'GET',
    path: JOB,
    about: about({
      id: 'get_job',
      summary: 'A job',
      tag,
      answer: ref('JobAnswer'),
      failures,
    }),
    operation: TopchefJobDocument,
    variables: (asked) => ({ job: job(asked) }),
    reply({ job: found }, asked) {
      if (found === null) throw noJob(asked)
      return json(200, { data: aliasedJob(found, asked), meta: jobMeta, links: self(asked) })
    },
  }),
  sequence({
    method: 'PATCH',
    path: JOB,
    about: about({
      id: 'patch_job',
      summary: 'Set the status, the results, or both',
      tag,
      ...change,
      answer: ref('Job'),
    }),
    operations: [TopchefJobDocument, TopchefAmendJobDocument],
    run: async (asked, execute) => json(200, fullJob(await amend(asked, execute))),
  }),
  sequence({
    method: 'PUT',
    path: JOB,
    about: about({
      id: 'put_job',
      summary: 'The same with the whole job, as the Python client writes it back',
      tag,
      ...change,
      answer: ref('JobPutAnswer'),
    }),
    operations: [TopchefJobDocument, TopchefAmendJobDocument],
    async run(asked, execute) {
      const amended = await amend(asked, execute)
      const message = `Job ${amended.address} was changed`
      const data = { message, job_schema: aliasedJob(amended, asked) }
      return json(200, { data }, { location: `${asked.base}/jobs/${amended.address}` })
    },
  }),
]
