import type { IncomingMessage } from 'node:http'

/**
 * What a 401 of ours asks for (RFC 9110, 11.6.1). Basic comes first, in a line of its own: that is the one that wget,
 * java.net and urllib look for, some of them in the first line alone.
 */
const CHALLENGE = ['Basic realm="Millrace", charset="UTF-8"', 'Bearer realm="Millrace"']

/**
 * Whether a challenge makes the caller come back with its credential. Browsers are asked for nothing: neither fetch nor
 * EventSource may open a dialogue, and what is typed into one at a navigation the browser would then send by itself
 * with everything, whoever's page asks, where a header has to mean that its caller knows the credential.
 */
export const isChallenged = ({ headers }: IncomingMessage): boolean =>
  headers['sec-fetch-mode'] === undefined &&
  headers['sec-fetch-site'] === undefined &&
  headers['sec-fetch-dest'] === undefined &&
  headers.origin === undefined &&
  headers['x-requested-with'] === undefined &&
  headers.accept?.includes('text/event-stream') !== true &&
  headers['user-agent']?.startsWith('Mozilla/') !== true

/** The challenge that an answer of ours with this status carries, if any. */
export const challengeFor = (request: IncomingMessage, status: number): string[] | undefined =>
  status === 401 && isChallenged(request) ? CHALLENGE : undefined
