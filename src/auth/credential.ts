import { parseCookie } from 'cookie'
import type { Front } from '../generated/prisma/enums.ts'

/** The cookie that signIn sets. Its value is a token's secret. */
export const COOKIE = 'millrace'

/** What a request brings to say who asks. */
export interface Credential {
  /** A header is written by the caller itself; a cookie is sent by the browser, whoever's page asks. */
  readonly from: 'header' | 'cookie'
  /** Undefined when there is none in it, such as for a scheme that is not known. */
  readonly secret: string | undefined
}

/** The credential in the headers of a request; the header wins over the cookie. */
export function credentialIn(
  headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined },
  front?: Front,
): Credential | undefined {
  if (headers.authorization !== undefined)
    return { from: 'header', secret: secretIn(headers.authorization, front) }
  const secret = headers.cookie === undefined ? undefined : parseCookie(headers.cookie)[COOKIE]
  return secret ? { from: 'cookie', secret } : undefined
}

/**
 * The secret of `Bearer <secret>`, or the password of `Basic …`, which is how tokens fit into a URL. Fronts also take
 * `ApiKey <user>:<secret>`.
 */
function secretIn(authorization: string, front: Front | undefined): string | undefined {
  const [scheme = '', value = ''] = authorization.trim().split(/\s+/, 2)
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return value || undefined
    case 'basic':
      return behindColon(Buffer.from(value, 'base64').toString('utf8'))
    case 'apikey':
      return front === undefined ? undefined : behindColon(value)
    default:
      return undefined
  }
}

const behindColon = (text: string): string | undefined =>
  text.slice(text.indexOf(':') + 1) || undefined
