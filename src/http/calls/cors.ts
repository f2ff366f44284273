import type { FastifyReply, FastifyRequest } from 'fastify'
import { anonymous } from '../../auth/viewer.ts'
import { callerKey, type Site } from '../../context.ts'
import { Forbidden } from '../../kit/errors.ts'
import type { CorsPolicy } from '../../kit/http/cors.ts'
import { reached } from '../reached.ts'

/** What a service says of pages of other origins, which counts where it has no policy. */
const OF_CORS = /^access-control-/

/** Replies of services that have a policy. */
const under = new WeakSet<FastifyReply>()

/**
 * Answers a browser that asks whether a page of another origin may call a service (a preflight), and has whatever is
 * answered else say whether that page may read it: both as the policy of the service says, and without a credential.
 * True where that was all that was asked. Throws Forbidden for a preflight that is not permitted, and QuotaReached.
 */
export async function cors(
  site: Site,
  request: FastifyRequest,
  reply: FastifyReply,
  find: () => Promise<CorsPolicy | undefined>,
): Promise<boolean> {
  const { origin } = request.headers
  const { address, host } = reached(site.config, request.raw)
  if (origin === undefined || hostIn(origin) === host.toLowerCase()) return false
  const isAsking = isPreflight(request)
  if (isAsking) site.quotas.takeOperation(callerKey({ viewer: anonymous, address }))
  const policy = await find()
  const isLetIn = policy !== undefined && share(reply, origin, policy)
  if (!isAsking) return false
  // one answer, so that nobody learns what there is
  if (!isLetIn)
    throw new Forbidden(
      'VIEWER',
      `No service here lets pages of ${origin} call it at this address (the one with its id): its \`cors\` names the origins that may.`,
    )
  void reply.code(204).headers(permission(request, policy)).send()
  return true
}

/** Whether a browser asks whether a page may send a request (Fetch standard, 3.3.2). */
const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined

const hostIn = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined

/**
 * Has a reply say that the page which asks may read it, where the policy lets it. Browsers and caches keep the answers
 * to different origins apart.
 */
function share(reply: FastifyReply, origin: string, policy: CorsPolicy): boolean {
  under.add(reply)
  reply.header('vary', 'Origin')
  if (!policy.origins.some((one) => one === '*' || one === origin)) return false
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': policy.exposedHeaders?.join(', ') ?? '*',
  })
  return true
}

/** What an answer says beside what its policy has said for it. */
export function withoutCors<Value extends string | string[]>(
  reply: FastifyReply,
  headers: Record<string, Value>,
): Record<string, Value | string[]> {
  if (!under.has(reply)) return headers
  const { vary, ...others } = headers
  const own = Object.entries(others).filter(([name]) => !OF_CORS.test(name))
  return { ...Object.fromEntries(own), vary: ['Origin', ...[vary ?? []].flat()] }
}

/** The fields of the answer to a preflight that a policy permits. */
function permission(request: FastifyRequest, policy: CorsPolicy): Record<string, string> {
  const asked = (name: string): string => String(request.headers[name] ?? '')
  return {
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-methods':
      policy.methods?.join(', ') ?? asked('access-control-request-method'),
    // a wildcard would not stand for `authorization`
    'access-control-allow-headers':
      policy.headers?.join(', ') ?? asked('access-control-request-headers'),
    'access-control-max-age': String(policy.maxAgeSeconds),
  }
}
