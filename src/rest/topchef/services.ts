import {
  TopchefCheckInDocument,
  TopchefCreateServiceDocument,
  TopchefServiceDocument,
  TopchefServicesDocument,
  TopchefUpdateServiceDocument,
  type TopchefServiceFragment,
  type TopchefServiceQuery,
} from '../../generated/operations/graphql.ts'
import { stringify } from '../../kit/json/json.ts'
import type { Execute } from '../execute.ts'
import { listed, listing, openList, type OpenList } from '../listing.ts'
import { done } from '../problem.ts'
import { json, type Reply } from '../reply.ts'
import { route, sequence, type Asked } from '../route.ts'
import { about } from './about.ts'
import { BodyFields, fieldsOf, isJson, notJson, readBody } from './body.ts'
import { noService, organization, SERVICE, service } from './ids.ts'
import { self, serviceMeta, servicesMeta } from './meta.ts'
import { isQueue, serviceOf, shortJob } from './objects.ts'
import { ref } from './schemas.ts'

const tag = 'Services'
const failures = { 404: 'There is no such service, or the id is no UUID.' }

type Found = Extract<TopchefServiceQuery['service'], TopchefServiceFragment>

function there({ service: found }: TopchefServiceQuery, asked: Asked): Found {
  if (found === null || !isQueue<Found>(found)) throw noService(asked)
  return found
}

/** A service with all its jobs, which are read and written page by page. */
const withJobs = {
  operation: TopchefServiceDocument,
  variables: (asked: Asked) => ({ service: service(asked) }),
  connection: (data: TopchefServiceQuery, asked: Asked) => there(data, asked).jobs,
  item: shortJob,
}

/** The JSON of a service around its jobs, without the brace that ends it. */
const begun = (found: Found): string => `${stringify(serviceOf(found)).slice(0, -1)},"jobs":[`

/** What stands behind the data. */
const behind = (meta: unknown, asked: Asked): string =>
  `,"meta":${stringify(meta)},"links":${stringify(self(asked))}`

/** Longest time-out: a year. */
const MAX_TIMEOUT = 31_536_000

/** What a body changes of a service. */
function changesIn(body: BodyFields) {
  const isAvailable = body.flag('is_available')
  const name = body.text('name')
  const description = body.text('description')
  const timeoutSeconds = body.whole('timeout')
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > MAX_TIMEOUT))
    body.refuse('timeout', `Must be from 1 to ${MAX_TIMEOUT} seconds.`)
  const queue = timeoutSeconds === undefined ? undefined : { timeoutSeconds }
  return {
    isAvailable,
    update:
      name === undefined && description === undefined && queue === undefined
        ? undefined
        : { name, description, backend: queue && { queue } },
  }
}

/** Why a change cannot be made; undefined when it was. */
async function refusalOf(
  asked: Asked,
  execute: Execute,
  body: BodyFields,
  update: ReturnType<typeof changesIn>['update'],
): Promise<unknown> {
  if (body.problem !== undefined) return body.problem
  if (update === undefined) return undefined
  const input = { id: service(asked), ...update }
  try {
    done((await execute(TopchefUpdateServiceDocument, { input }, asked.ctx)).updateService)
    return undefined
  } catch (cause) {
    return cause
  }
}

/**
 * Changes a service where `body` says so, and checks it in, also when the change is refused; answers when. Whether it
 * takes jobs is told with the check-in, after everything else was changed: nothing is changed unless all is.
 */
async function checkIn(
  asked: Asked,
  execute: Execute,
  body: BodyFields | undefined,
): Promise<string | null> {
  const changes = body && changesIn(body)
  const refused = body && (await refusalOf(asked, execute, body, changes?.update))
  const isAvailable = refused === undefined ? changes?.isAvailable : undefined
  const input = { id: service(asked), isAvailable }
  const { checkInService } = await execute(TopchefCheckInDocument, { input }, asked.ctx)
  const { lastCheckInAt } = done(checkInService).service
  if (refused !== undefined) throw refused
  return lastCheckInAt
}

/** The service twice, because the documentation and the server differ (contract 6): in the envelope, and bare. */
function changed(list: OpenList<TopchefServiceQuery>, asked: Asked): Reply {
  const text = begun(there(list.data, asked))
  return listed(
    '{"data":',
    text,
    list,
    ']}',
    `${behind(serviceMeta, asked)},`,
    text.slice(1),
    list,
    ']}',
  )
}

export const serviceRoutes = [
  listing({
    method: 'GET',
    path: '/services',
    about: about({
      id: 'get_services',
      summary: 'All services, oldest first',
      tag,
      answer: ref('ServicesAnswer'),
      failures: {},
    }),
    operation: TopchefServicesDocument,
    variables: () => ({}),
    connection: ({ services }) => services,
    item: ({ address, name, description }) => ({ id: address, name, description }),
    around: (_data, asked) => ['{"data":[', `]${behind(servicesMeta, asked)}}`],
  }),
  route({
    method: 'POST',
    path: '/services',
    about: about({
      id: 'create_service',
      summary: 'Make a service; its URL is in Location',
      tag,
      body: ref('NewService'),
      status: 201,
      answer: ref('NewServiceAnswer'),
      failures: { 400: 'A key is missing or wrong, or a schema is none of draft 4.' },
    }),
    operation: TopchefCreateServiceDocument,
    variables(asked) {
      const fields = fieldsOf(asked)
      fields.require('name', 'description', 'job_registration_schema', 'job_result_schema')
      const name = fields.text('name')
      const description = fields.text('description')
      const parametersSchema = fields.object('job_registration_schema')
      const resultSchema = fields.object('job_result_schema')
      fields.check()
      const functions = [{ parametersSchema, resultSchema, draft: 'DRAFT_04' as const }]
      const backend = { queue: { functions } }
      return { input: { organizationId: organization(asked), name, description, backend } }
    },
    reply({ createService }, { base }) {
      const { service: made } = done(createService)
      if (!isQueue<TopchefServiceFragment>(made)) throw new Error('A queue that was made is none.')
      const at = `${base}/services/${made.address}`
      return json(
        201,
        {
          data: {
            message: `Service successfully created with id ${made.address}`,
            service_details: { ...serviceOf(made), jobs: [] },
          },
          links: { self: `${base}/services` },
        },
        { location: at },
      )
    },
  }),
  listing({
    method: 'GET',
    path: SERVICE,
    about: about({
      id: 'get_service',
      summary: 'A service with all its jobs',
      tag,
      answer: ref('ServiceAnswer'),
      failures,
    }),
    ...withJobs,
    around: (data, asked) => [
      `{"data":${begun(there(data, asked))}`,
      `]}${behind(serviceMeta, asked)}}`,
    ],
  }),
  sequence({
    method: 'PATCH',
    path: SERVICE,
    about: about({
      id: 'patch_service',
      summary: 'Check in for a service, and change what is given',
      tag,
      body: ref('ServiceChange'),
      isBodyOptional: true,
      answer: ref('ServiceAnswer'),
      failures: { ...failures, 400: 'A value is wrong: nothing was changed, but it was heard of.' },
    }),
    operations: [TopchefCheckInDocument, TopchefUpdateServiceDocument, TopchefServiceDocument],
    async run(asked, execute) {
      const body = readBody(asked)
      const at = await checkIn(asked, execute, body && new BodyFields(body))
      if (body !== undefined) return changed(await openList(withJobs, asked, execute), asked)
      const isMalformed = isJson(asked) && !/^\uFEFF?\s*(?:null\s*)?$/.test(asked.body.toString())
      if (isMalformed) throw notJson()
      return json(200, { meta: `The service checked in at ${at}` })
    },
  }),
]
