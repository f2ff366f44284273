import type { Readable } from 'node:stream'
import type { Context, Site } from '../../context.ts'
import { DomainError, NotFound, WrongState } from '../../kit/errors.ts'
import type { CallAnswer } from '../../kit/http/call.ts'
import type { Asker } from '../../kit/operation.ts'
import { throughOutages } from '../../kit/patience.ts'
import { ServiceId } from '../../services/index.ts'
import { noSpan } from '../../ports/tracing/tracing.ts'
import {
  keepValue,
  MAX_VALUE_BYTES,
  resultKey,
  valueOf,
  type Ending,
  type HeldJob,
} from '../../job-engine/index.ts'

/** What of an answer that failed is kept with the error. */
const MAX_DETAIL = 16_384

/** Who calls a service for a job: whoever submitted it was allowed to. */
function contextFor(site: Site, organizationId: string): Context {
  return {
    ...site,
    viewer: {
      kind: 'token',
      tokenId: 'millrace',
      tokenName: 'millrace',
      user: undefined,
      memberships: [{ organizationId, role: 'DEVELOPER' }],
    },
    operation: site.quotas.openOperation(nobody),
    requestId: '',
    span: noSpan,
    origin: site.server.url,
    address: '',
  }
}

/** A job of our own holds what it is given, and nobody can hang up on it. */
const nobody: Asker = { key: () => '', isGone: () => false, onGone: () => () => {} }

/**
 * Does a job of a service that runs as processes: POSTs the parameters to it, and its JSON is the result. An answer
 * of 4xx has failed for good, whatever else goes wrong is tried again while attempts are left.
 */
export async function callProcess(site: Site, { lease, signal }: HeldJob): Promise<Ending> {
  const parameters = { text: lease.parameters, key: lease.parametersKey }
  const body = (await throughOutages(() => valueOf(site, parameters), signal)) ?? 'null'
  const invoke = (): Promise<CallAnswer> =>
    site.doors.invoke(
      contextFor(site, lease.organizationId),
      undefined,
      ServiceId.text(lease.serviceId),
      {
        method: 'POST',
        target: '/',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: Buffer.from(body),
        signal,
      },
    )
  try {
    // in an outage the service is not found, let alone called
    const answer = await throughOutages(invoke, signal)
    const said = await whole(answer.body)
    if (answer.status >= 400)
      return {
        error: {
          kind: answer.status < 500 ? 'BAD_INPUT' : 'RAISED',
          message: `The service answered ${answer.status}.`,
          detail: JSON.stringify(said.slice(0, MAX_DETAIL)),
        },
        isRetryable: answer.status >= 500,
      }
    const result = said === '' ? 'null' : said
    JSON.parse(result)
    const keep = () => keepValue(site, resultKey(lease.id), result)
    return { result: await throughOutages(keep, signal) }
  } catch (cause) {
    const isFinal = cause instanceof SyntaxError || cause instanceof AnswerTooLarge
    return { error: failure(cause), isRetryable: !isFinal }
  }
}

class AnswerTooLarge extends Error {}

/** The answer as text; throws AnswerTooLarge beyond what can be kept, and lets go of the rest. */
async function whole(body: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_VALUE_BYTES) throw new AnswerTooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function failure(cause: unknown) {
  if (cause instanceof SyntaxError)
    return { kind: 'INVALID_RESULT', message: 'The service did not answer JSON.' } as const
  if (cause instanceof AnswerTooLarge) {
    const message = `The service answered more than ${MAX_VALUE_BYTES} bytes.`
    return { kind: 'INVALID_RESULT', message } as const
  }
  if (cause instanceof NotFound || cause instanceof WrongState)
    return { kind: 'UNAVAILABLE', message: 'The service does not run.' } as const
  if (cause instanceof DomainError) return { kind: 'UNAVAILABLE', message: cause.message } as const
  throw cause
}
