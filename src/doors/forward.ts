import type { Signer } from '../auth/signing.ts'

/** How long a forwarded call may be on its way. */
const SECONDS = 60
const HEADER = 'millrace-forwarded'

/** The header by which one server tells another that the caller was allowed to call this service. */
export function forwardedBy(signer: Signer, serviceId: string, now: Date): Record<string, string> {
  const expires = Math.floor(now.getTime() / 1000) + SECONDS
  return { [HEADER]: `${expires}.${signer.sign('forward', `${serviceId} ${expires}`)}` }
}

/** Whether a server of this installation forwarded the call of this service. */
export function isForwarded(
  signer: Signer,
  serviceId: string,
  now: Date,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): boolean {
  const [expires = '', signature = ''] = String(headers[HEADER] ?? '').split('.')
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < now.getTime()) return false
  return signer.isSigned('forward', `${serviceId} ${expires}`, signature)
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const FORWARDED = 'x-forwarded-'
const ENCLOSED = `millrace-${FORWARDED}`

/**
 * The headers of a call as one server sends them to another: what the service is told of its caller says nothing of the
 * request between the servers, whose own X-Forwarded headers a proxy may write.
 */
export const enclosed = <Value>(headers: Record<string, Value>): Record<string, Value> =>
  renamed(headers, (name) => (name.startsWith(FORWARDED) ? `millrace-${name}` : name))

/** The headers of the call in a request of another server. */
export const opened = (headers: Headers): Headers =>
  renamed(
    Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(FORWARDED))),
    (name) => (name.startsWith(ENCLOSED) ? name.slice('millrace-'.length) : name),
  )

const renamed = <Value>(
  headers: Readonly<Record<string, Value>>,
  rename: (name: string) => string,
): Record<string, Value> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [rename(name), value]))
