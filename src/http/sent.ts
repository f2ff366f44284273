import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import { BadRequest } from '../kit/errors.ts'

/** In what an operation may be sent. */
const TYPES: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/graphql+json',
  'application/graphql',
  'application/x-www-form-urlencoded',
])
const ENCODINGS: ReadonlySet<string | undefined> = new Set(['utf-8', 'utf8', 'us-ascii', undefined])

/** The body is in a form that is not read here. */
class UnsupportedMedia extends BadRequest {
  override readonly status = 415
}

/** The body of an operation that is sent by POST, and its media type. */
interface Sent {
  readonly body: Buffer
  readonly type: string
}

const MARK = Buffer.from('\ufeff')

/**
 * The body without a byte order mark. Throws UnsupportedMedia for what is neither JSON, a document nor a form in UTF-8 as
 * it is, and BadRequest where bytes are not what they are said to be: what was read of them would be kept damaged.
 */
export function sentBody(headers: IncomingHttpHeaders, body: Buffer = Buffer.alloc(0)): Sent {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  if (!TYPES.has(type))
    throw new UnsupportedMedia(
      type === ''
        ? 'Say by Content-Type in what the operation is sent: application/json, for example.'
        : `The server does not read operations as ${type}: send them as application/json.`,
    )
  const charset = parameters
    .find((one) => one.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '')
  if (!ENCODINGS.has(charset))
    throw new UnsupportedMedia(`A body is not read in ${charset}: send it in UTF-8.`)
  const coding = headers['content-encoding']?.trim().toLowerCase()
  if (coding !== undefined && coding !== '' && coding !== 'identity')
    throw new UnsupportedMedia(`A body is not read in the encoding ${coding}: send it as it is.`)
  if (!isUtf8(body)) throw new BadRequest('The body is not UTF-8.')
  const isMarked = body.subarray(0, MARK.length).equals(MARK)
  return { type, body: isMarked ? body.subarray(MARK.length) : body }
}
