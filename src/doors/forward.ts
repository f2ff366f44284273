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
