import type {
  JobStatus,
  TopchefJobFragment,
  TopchefServiceFragment,
  TopchefShortJobFragment,
} from '../../generated/operations/graphql.ts'
import { JsonText } from '../../kit/json/json.ts'
import type { Asked } from '../route.ts'
import { isJson } from './body.ts'

/** The states of this dialect (contract 7), and the moves it makes by writing them. */
export const words: Readonly<Record<JobStatus, string>> = {
  QUEUED: 'REGISTERED',
  RUNNING: 'WORKING',
  SUCCEEDED: 'COMPLETED',
  FAILED: 'ERROR',
  CANCELED: 'ERROR',
}

export const statusOf = (word: string): JobStatus | undefined => written.get(word.toUpperCase())

const written = new Map<string, JobStatus>([
  ['REGISTERED', 'QUEUED'],
  ['WORKING', 'RUNNING'],
  ['COMPLETED', 'SUCCEEDED'],
  ['ERROR', 'FAILED'],
])

/** `2018-06-05T13:07:49.602000+00:00` (contract 5). */
const dateOf = (time: string): string => time.replace(/Z$/, '+00:00')

/** As lists of all jobs have it. */
export const shortJob = ({ address, status, createdAt }: TopchefShortJobFragment) => ({
  id: address,
  status: words[status],
  date_submitted: dateOf(createdAt),
})

/** As everything else has it. */
export const fullJob = (found: TopchefJobFragment) => ({
  ...shortJob(found),
  parameters: found.parameters,
  results: found.result,
})

/** With the alias that the Python and Jython clients read, unless it would make the strict Java client throw. */
export const aliasedJob = (found: TopchefJobFragment, asked: Asked) => ({
  ...fullJob(found),
  ...(isStrict(asked) ? {} : { result: found.result }),
})

/**
 * Whether the strict Java client reads (contract 5): it says that its GET is JSON. Jython's client has the same
 * User-Agent, and no content type when it reads.
 */
const isStrict = (asked: Asked): boolean =>
  (asked.method === 'GET' || asked.method === 'HEAD') &&
  asked.headers['user-agent']?.startsWith('Java/') === true &&
  isJson(asked)

/** When a service is told by nobody that it has timed out. */
const TIMEOUT_SECONDS = 30

const NO_SCHEMA = new JsonText('{}')

/** A service without its jobs. Of a queue with several functions the first one's schemas are shown. */
export const serviceOf = (found: TopchefServiceFragment) => ({
  id: found.address,
  name: found.name,
  description: found.description,
  job_registration_schema: found.functions[0]?.parametersSchema ?? NO_SCHEMA,
  job_result_schema: found.functions[0]?.resultSchema ?? NO_SCHEMA,
  is_service_available: found.isAvailable,
  has_timed_out: found.hasTimedOut,
  timeout: found.timeoutSeconds ?? TIMEOUT_SECONDS,
})

/** Whether a service is a queue, as everything is that addresses of this front lead to. */
export const isQueue = <Queue extends { readonly functions: unknown }>(
  found: Queue | object,
): found is Queue => 'functions' in found
