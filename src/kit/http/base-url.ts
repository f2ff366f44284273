/** A base URL that may have a user name and a password, which clients of HTTP would drop. */
interface BaseUrl {
  /** Without them, and without a slash at its end. */
  readonly url: string
  /** The password: a token. */
  readonly token: string | undefined
  /** The user name: an organization. */
  readonly organization: string | undefined
}

/** Reads a base URL, such as `http://acme:TOKEN@127.0.0.1:4000`; undefined for a text that is none. */
export function readBaseUrl(text: string): BaseUrl | undefined {
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) return undefined
  const { origin, pathname, username, password } = parsed
  return {
    url: `${origin}${pathname.replace(/\/+$/, '')}`,
    token: decoded(password),
    organization: decoded(username),
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined
  } catch {
    return text // a percent sign that stands for itself
  }
}

/** The text without user name and password, to be told to people. */
export const withoutSecret = (text: string): string => text.replace(/\/\/[^/]*@/, '//')
