import { parseCookie } from 'cookie'
import { frontWords, type FrontName } from '../rest/fronts.ts'

/**
 * The cookie that signIn sets. Its value is a token's secret. Over https its name is one that browsers take from this
 * very host alone, and not from its neighbours (RFC 6265bis, 4.1.3.2).
 */
export const cookieName = (isSecure: boolean): string => (isSecure ? '__Host-millrace' : 'millrace')

/** What a request brings to say who asks. */
export interface Credential {
  /** A header is written by the caller itself; a cookie is sent by the browser, whoever's page asks. */
  readonly from: 'header' | 'cookie'
  /** Undefined when there is none in it, such as for a scheme that is not known. */
  readonly secret: string | undefined
  /** The user name of Basic, which may name an organization. */
  readonly userName?: string | undefined
}

/** The credential in the headers of a request; the header wins over the cookie of this name. */
export function credentialIn(
  headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined },
  cookie: string,
  front?: FrontName,
): Credential | undefined {
  if (headers.authorization !== undefined)
    return { from: 'header', ...readHeader(headers.authorization, front) }
  const secret = headers.cookie === undefined ? undefined : parseCookie(headers.cookie)[cookie]
  return secret ? { from: 'cookie', secret } : undefined
}

type Said = Pick<Credential, 'secret' | 'userName'>

/**
 * `Bearer <secret>`, or `Basic …` with the secret as its password, which is how tokens fit into a URL. Fronts also
 * take `ApiKey <user>:<secret>`.
 */
function readHeader(authorization: string, front: FrontName | undefined): Said {
  const [scheme = '', value = ''] = authorization.trim().split(/\s+/, 2)
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { secret: value || undefined }
    case 'basic': {
      const [userName, secret] = parted(Buffer.from(value, 'base64').toString('utf8'))
      return { secret, userName: userName || undefined }
    }
    case 'apikey':
      return { secret: front === undefined ? undefined : parted(value)[1] }
    default:
      return { secret: undefined }
  }
}

/** The user name, which has a colon where it is an address of a front, and the password. */
function parted(text: string): [userName: string, password: string | undefined] {
  const [, userName = '', password = text] = PARTS.exec(text) ?? []
  return [userName, password || undefined]
}

const PARTS = new RegExp(`^((?:${frontWords.join('|')}):[^:]*(?=:)|[^:]*):(.*)$`, 's')
