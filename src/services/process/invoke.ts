import type { Context } from '../../context.ts'
import { TimedOut, Unavailable } from '../../kit/errors.ts'
import { jsonText, JsonText } from '../../kit/json/json.ts'
import { isNestedTooDeep, MAX_NESTING } from '../../kit/json/nesting.ts'

/** The largest JSON answer that is put into a GraphQL answer. */
const MAX_BYTES = 16 * 1024 * 1024

export interface JsonAnswer {
  readonly json: JsonText | null
  readonly statusCode: number
  readonly contentType: string | null
  readonly durationMs: number
}

/**
 * Calls a service with JSON, as it came, and waits for its JSON, which is answered as it comes. Throws what the door
 * throws, and Unavailable for an answer that is not JSON or too large to be kept in memory.
 */
export async function invokeService(
  ctx: Context,
  { id, json }: { id: string; json?: JsonText | null },
): Promise<JsonAnswer> {
  const began = performance.now()
  const body = json === undefined ? undefined : Buffer.from(jsonText(json))
  // by then the operation that this is part of has been answered
  const signal = AbortSignal.timeout(ctx.config.operationTimeoutMs + 1_000)
  const late = (cause: unknown): never => {
    throw signal.aborted ? new TimedOut('The service did not answer in time.', { cause }) : cause
  }
  const call = {
    method: 'POST' as const,
    target: '/',
    headers: body ? { 'content-type': 'application/json', accept: 'application/json' } : {},
    body,
    signal,
  }
  const answer = await ctx.doors.invoke(ctx, undefined, id, call).catch(late)
  const text = await whole(answer.body).catch(late)
  const contentType = String(answer.headers['content-type'] ?? '') || null
  return {
    json: text === '' ? null : parsed(text, contentType),
    statusCode: answer.status,
    contentType,
    durationMs: performance.now() - began,
  }
}

async function whole(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_BYTES)
      throw new Unavailable(
        'NO_JSON',
        `The answer has more than ${MAX_BYTES} bytes: call its invokeUrl.`,
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string, contentType: string | null): JsonText {
  try {
    const json = JsonText.read(text)
    if (!isNestedTooDeep(json.value)) return json
  } catch {
    throw new Unavailable(
      'NO_JSON',
      `The service answered ${contentType ?? 'without a content type'}, which is not JSON: call its invokeUrl.`,
    )
  }
  throw new Unavailable(
    'NO_JSON',
    `The answer is nested more than ${MAX_NESTING} deep: call its invokeUrl.`,
  )
}
