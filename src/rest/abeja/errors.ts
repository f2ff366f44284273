import type { ErrorCode } from '../../kit/errors.ts'
import type { Problem } from '../problem.ts'
import { json, type Reply } from '../reply.ts'
import type { Route } from '../route.ts'

/** Statuses for which callers of this dialect catch something: duplicates and wrong states are bad requests. */
const statuses: Partial<Record<ErrorCode, number>> = {
  CONFLICT: 400,
  WRONG_STATE: 400,
  STALE_LEASE: 400,
}

const names: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  409: 'conflict',
  413: 'too_large',
  429: 'too_many_requests',
  500: 'internal_server_error',
  502: 'bad_gateway',
  503: 'service_unavailable',
  504: 'gateway_timeout',
}

/** What inputs of the schema are called in this dialect. */
const fields: Readonly<Record<string, string>> = {
  label: 'version',
  parameters: 'user_parameters',
  desired: 'instance_number',
  instanceType: 'instance_type',
  versionId: 'version_id',
  deploymentId: 'deployment_id',
  serviceId: 'service_id',
}

/** A problem in the dialect: always a JSON object, which the SDK's exceptions are made from. */
export function tell(problem: Problem, route: Route | undefined): Reply {
  const { code, retryAfterSeconds, allowed, issues } = problem
  const status = route?.statuses[code] ?? statuses[code] ?? problem.status
  const detail: Record<string, string[]> = {}
  for (const { path, message: why } of issues) {
    const field = path.findLast((part) => !/^\d+$/.test(part)) ?? 'body'
    const name = fields[field] ?? field
    detail[name] = [...(detail[name] ?? []), why]
  }
  const issuesInWords = Object.entries(detail).map(([name, whys]) => `${name}: ${whys.join(' ')}`)
  const message = issuesInWords.length === 0 ? problem.message : issuesInWords.join('; ')
  return json(
    status,
    {
      error: names[status] ?? 'error',
      // ids as the caller wrote them, not as the schema takes them
      error_description: message.replaceAll(/abeja:(?:[^"/\s]{0,200}\/){0,4}/g, ''),
      ...(issues.length === 0 ? {} : { error_detail: detail }),
    },
    {
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(allowed.length === 0 ? {} : { allow: allowed.join(', ') }),
    },
  )
}
