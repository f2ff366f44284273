import { z } from 'zod'
import { allow, found, type Viewer } from '../../auth/viewer.ts'
import type { Context, Platform } from '../../context.ts'
import { Forbidden, ValidationError } from '../../kit/errors.ts'
import { isLoopback } from '../../kit/http/loopback.ts'
import { noProcesses } from '../permit.ts'
import { serviceActions, ServiceId } from '../service.ts'
import { calleeNamed } from '../store.ts'

/*
 * Pages of services. Each service has a host of its own, so that browsers give its pages an origin apart from ours and
 * from those of other services. There a request needs a credential in a header, or the cookie of that host, which
 * holds a pass: a signed text that is good for one service, for as long as the credential it was made with.
 */

/** How long a pass in an address may take to be exchanged for the cookie, and how long the cookie is good. */
const LIFETIMES = { open: 60, page: 12 * 60 * 60 } as const

/** What a pass is for: to be brought in an address, or in the cookie of the service's host. */
export type PassUse = keyof typeof LIFETIMES

type Hosts = Pick<Platform['config'], 'servicesUrl'>

/** The path, on the host of a service, that exchanges a pass for the cookie. */
export const OPENING = '/.well-known/millrace/open'

/** What may be asked of a service's host: a path with its query, as browsers write it. */
export const pagePathRule = z
  .string()
  .max(8_000, 'At most 8,000 characters.')
  .regex(/^\/[\x21-\x7e]*$/, 'A path begins with "/" and has visible ASCII characters only.')

/** The same as a caller writes it: what begins otherwise leads to another host where it stands alone. */
export const ownPathRule = pagePathRule.regex(
  /^\/(?![/\\])/,
  'A path begins with one "/", and no "/" or "\\" follows.',
)

/** Where the pages of a service are for whoever reached this server at `origin`; undefined where there is no such place. */
export function pageOrigin(
  { servicesUrl }: Hosts,
  origin: string,
  serviceId: string,
): string | undefined {
  const label = ServiceId.text(serviceId).replace('_', '-')
  if (servicesUrl !== undefined) return servicesUrl.replace('*', label)
  if (!URL.canParse(origin)) return undefined
  const { protocol, hostname, port } = new URL(origin)
  if (!isLoopback(hostname)) return undefined
  return `${protocol}//${label}.localhost${port === '' ? '' : `:${port}`}`
}

/** The service whose host this is: null for a host that is no service's but could be, undefined for any other. */
export function serviceAt({ servicesUrl }: Hosts, host: string): string | null | undefined {
  const [label = '', ...parents] = host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/\.$/, '')
    .split('.')
  const parent = parents.join('.')
  const id = /^svc-[0-9a-z]{26}$/.test(label) ? ServiceId.read(label.replace('-', '_')) : undefined
  if (parent === 'localhost') return id
  const isOurs = servicesUrl !== undefined && parent === new URL(servicesUrl).hostname.slice(2)
  return isOurs ? (id ?? null) : undefined
}

/** A pass for whoever holds a credential: the id of its token or, in open mode, of its user. */
export function passFor(
  { signer, now }: Platform,
  use: PassUse,
  serviceId: string,
  holder: string,
): string {
  const expires = Math.floor(now().getTime() / 1000) + LIFETIMES[use]
  return `${holder}.${expires}.${signer.sign(`page-${use}`, `${serviceId} ${holder} ${expires}`)}`
}

/** The holder of a pass, where it is good for this use of this service. */
export function holderOfPass(
  { signer, now }: Platform,
  use: PassUse,
  serviceId: string,
  pass: string,
): string | undefined {
  const [holder = '', expires = '', signature = ''] = pass.split('.')
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < now().getTime()) return undefined
  return signer.isSigned(`page-${use}`, `${serviceId} ${holder} ${expires}`, signature)
    ? holder
    : undefined
}

/**
 * The address at which a browser opens a page of a service as the caller, within a minute. Throws NotFound, Forbidden,
 * and ValidationError for a service without pages or where services have no hosts of their own.
 */
export async function openingUrl(ctx: Context, id: string, path = '/'): Promise<string> {
  const { viewer } = ctx
  const service = found(await calleeNamed(ctx, id, undefined), 'service', id)
  allow(viewer, serviceActions.INVOKE.role, service.organizationId)
  if (!serviceActions.INVOKE.kinds.includes(service.kind)) throw noProcesses
  const origin = pageOrigin(ctx.config, ctx.origin, service.id)
  if (origin === undefined) throw noHosts
  const pass = passFor(ctx, 'open', service.id, holderOf(viewer))
  return `${origin}${OPENING}?${new URLSearchParams({ pass, to: path }).toString()}`
}

const noHosts = new ValidationError([
  {
    path: ['id'],
    message: 'Services have no hosts of their own here: the server needs SERVICES_URL.',
    rule: 'host',
  },
])

function holderOf(viewer: Viewer): string {
  switch (viewer.kind) {
    case 'token':
      return viewer.tokenId
    case 'user':
      return viewer.user.id
    case 'front':
    case 'anonymous':
      throw new Forbidden('VIEWER', 'Only whoever has a credential can open a page of a service.')
  }
}
