import type { ErrorCode, Issue } from '../../kit/errors.ts'
import { Problem } from '../problem.ts'
import { json, type Reply } from '../reply.ts'
import type { Route } from '../route.ts'

/** A problem that has a title of its own (contract 4). */
class TitledProblem extends Problem {
  readonly title: string
  constructor(code: ErrorCode, title: string, message: string, issues: readonly Issue[]) {
    super(code, message, { issues })
    this.title = title
  }
}

export const WRONG_SHAPE = 'Deserialization Error From Client Data'
const VIOLATION = 'JSONSchema Validation Error'

export const titled = (
  code: ErrorCode,
  title: string,
  message: string,
  issues: readonly Issue[] = [],
): Problem => new TitledProblem(code, title, message, issues)

/** A value does not fit a JSON Schema: each violation is an error. */
export const violations = (issues: readonly Issue[]): Problem =>
  titled('VALIDATION', VIOLATION, 'The value does not fit the schema.', issues)

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Implemented',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  503: 'Database Error',
}

/** What inputs of the schema are called in this dialect. */
const keys: Readonly<Record<string, string>> = {
  parametersSchema: 'job_registration_schema',
  resultSchema: 'job_result_schema',
  timeoutSeconds: 'timeout',
  isAvailable: 'is_available',
  result: 'results',
}

/** The first part of an input's path that this dialect has a key for, and what is behind it. */
function keyIn(path: readonly string[]): string {
  const at = path.findIndex((part) => part in keys)
  const [key = '_schema', ...more] = at < 0 ? path : path.slice(at)
  return [keys[key] ?? key, ...more].join('.')
}

/** Values that are checked against the schemas of a service. */
const checked = new Set(['parameters', 'result'])

/** A problem in the dialect: one entry for each thing that is wrong. */
export function tell(problem: Problem, route: Route | undefined): Reply {
  const { code, issues, retryAfterSeconds, allowed } = problem
  const status = route?.statuses[code] ?? problem.status
  const plain = problem instanceof TitledProblem ? problem.title : titleOf(problem, status, route)
  const entries =
    issues.length === 0
      ? // ids as the caller wrote them, not as the schema takes them
        [{ title: plain, detail: problem.message.replaceAll('topchef:', '') }]
      : issues.map(({ path, message }) => ({
          title: plain,
          detail: `${keyIn(path)}: ${message}`,
        }))
  return json(
    status,
    { errors: entries.map((one) => ({ status_code: status, ...one })) },
    {
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(allowed.length === 0 ? {} : { allow: allowed.join(', ') }),
    },
  )
}

function titleOf({ issues }: Problem, status: number, route: Route | undefined): string {
  if (issues.length > 0)
    return issues.every(({ path: [first = ''] }) => checked.has(first)) ? VIOLATION : WRONG_SHAPE
  if (status === 404 && route !== undefined)
    return route.path.startsWith('/jobs') ? 'Job Not Found' : 'Service Not Found'
  return titles[status] ?? 'Internal Server Error'
}
