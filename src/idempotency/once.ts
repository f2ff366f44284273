import { setTimeout as pause } from 'node:timers/promises'
import { Secret } from '../auth/secrets.ts'
import { noting } from '../auth/noted-rights.ts'
import { allowAgain, chosenBy, type Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Conflict, DomainError, QuotaReached, TimedOut, Unavailable } from '../kit/errors.ts'
import { effectsOf, isTakenOver } from '../streams/index.ts'
import { canonical, read, readError, write, writeError } from './answer.ts'
import { claim, giveBack, keep, renew, type AskedCall, type CallRow } from './store.ts'

/**
 * Doing a mutation once, however often and wherever it is called with one idempotency key.
 *
 * A row says that the call is known, who works on it, and what it came to. Whoever finds it in work waits; whoever
 * finds the claim on it expired takes over. No transaction spans the work: its effect writes the id of the call into
 * the audit, in its own statement or transaction, where the database refuses a second one and one of an attempt that
 * was taken over. So whoever takes over either finds the effect, and makes the answer from the object, or knows that
 * there is none and never will be one but its own.
 */
export interface KeyedMutation<Success> {
  readonly name: string
  readonly key: string
  readonly input: unknown
  /** The errors that are answers. */
  readonly errors: readonly (abstract new (...args: never[]) => DomainError)[]
  readonly run: (ctx: Context) => Promise<Success>
  readonly again: Again<Success>
  /** Makes good again what has run out in an answer that is repeated. */
  readonly refresh?: ((ctx: Context, success: Success) => Promise<Success>) | undefined
}

/**
 * What becomes of a call whose effect is there and whose answer is not, because its server died in between. The
 * answer is made from the object with this UUID, for whoever may do what the mutation does. Or the mutation is
 * simply done again (`repeat`): where it changes nothing of ours, or leaves out those of its effects it has had.
 */
export type Again<Success> = 'repeat' | ((ctx: Context, subjectId: string) => Promise<Success>)

export interface KeyedOutcome<Success> {
  readonly success: Success
  /** Whether it had been done before. */
  readonly isReplay: boolean
}

/** A call that has its answer. */
interface Kept extends CallRow {
  readonly answer: string
}

interface Settled<Success> {
  readonly kept: Kept
  /** The outcome; throws the error that is the answer. */
  outcome(): KeyedOutcome<Success> | Promise<KeyedOutcome<Success>>
}

/** Calls in work on the servers of this process, so that those who wait here ask the database nothing. */
const inWork = new Map<string, Promise<Kept | undefined>>()

const FIRST_WAIT_MS = 20
const MAX_WAIT_MS = 250

/**
 * The outcome of the call with this key. Throws the error it came to; Conflict when the key was used for something
 * else; Forbidden when the caller has lost the right to the answer; TimedOut when it is in work for too long.
 */
export async function once<Success extends object>(
  ctx: Context,
  mutation: KeyedMutation<Success>,
): Promise<KeyedOutcome<Success>> {
  const { name, key, input } = mutation
  const chosen = chosenBy(ctx.viewer)
  const where = chosen === undefined ? '' : `\n${chosen}` // elsewhere it is another call
  const digest = ctx.signer.sign('idempotent-call', `${name}\n${canonical(input)}${where}`)
  const asked = { caller: callerOf(ctx.viewer), key, mutation: name, digest }
  const place = `${ctx.server.run} ${asked.caller} ${key}`
  const deadline = performance.now() + ctx.config.operationTimeoutMs
  for (;;) {
    const other = inWork.get(place)
    if (other !== undefined) {
      const kept = await within(deadline, other)
      if (kept !== undefined) return replay(ctx, mutation, asked, kept)
      continue
    }
    const settling = settle(ctx, mutation, asked, deadline)
    inWork.set(
      place,
      settling.then(
        ({ kept }) => kept,
        () => undefined,
      ),
    )
    try {
      return await (await settling).outcome()
    } finally {
      inWork.delete(place)
    }
  }
}

const callerOf = (viewer: Viewer): string => {
  switch (viewer.kind) {
    case 'anonymous':
      return 'anonymous'
    case 'front':
      return `front:${viewer.front}`
    case 'user':
      return `usr:${viewer.user.id}`
    case 'token':
      return viewer.user ? `usr:${viewer.user.id}` : `tok:${viewer.tokenId}`
  }
}

/** Does it, or waits for the server that does. */
async function settle<Success extends object>(
  ctx: Context,
  mutation: KeyedMutation<Success>,
  asked: AskedCall,
  deadline: number,
): Promise<Settled<Success>> {
  for (let delayMs = FIRST_WAIT_MS; ; delayMs = Math.min(delayMs * 2, MAX_WAIT_MS)) {
    const { row, isMine } = await claim(ctx, asked)
    const settled = isMine ? await work(ctx, mutation, row) : undefined
    if (settled !== undefined) return settled
    if (row.digest !== asked.digest) throw usedOtherwise(row, asked)
    const { answer } = row
    if (answer !== null) {
      const kept = { ...row, answer }
      return { kept, outcome: () => replay(ctx, mutation, asked, kept) }
    }
    if (performance.now() > deadline) throw stillInWork()
    await pause(delayMs)
  }
}

/** Does it and keeps what it came to; undefined when another has taken over. What is no answer is thrown. */
async function work<Success extends object>(
  ctx: Context,
  mutation: KeyedMutation<Success>,
  row: CallRow,
): Promise<Settled<Success> | undefined> {
  const { viewer, rights } = noting(ctx.viewer)
  const complain = (cause: unknown): void =>
    ctx.log.warn({ err: cause, requestId: ctx.requestId }, 'could not write to an idempotent call')
  const renewal = setInterval(() => void renew(ctx, row).catch(complain), ctx.config.leaseMs / 3)
  try {
    const result = await act({ ...ctx, viewer, call: row }, mutation)
    const isError = 'error' in result
    const what = isError ? { error: writeError(result.error) } : { success: result.success }
    const answer = write({ rights, ...what })
    if (!(await keep(ctx, row, answer))) return undefined
    return {
      kept: { ...row, answer },
      outcome() {
        if (isError) throw result.error
        return result
      },
    }
  } catch (cause) {
    await giveBack(ctx, row).catch(complain)
    if (isTakenOver(cause)) return undefined
    throw cause
  } finally {
    clearInterval(renewal)
  }
}

async function act<Success extends object>(
  ctx: Context & { readonly call: CallRow },
  mutation: KeyedMutation<Success>,
): Promise<KeyedOutcome<Success> | { readonly error: DomainError }> {
  const done = ctx.call.attempt > 1 ? await madeAgain(ctx, mutation, ctx.call.id) : undefined
  if (done !== undefined) return { success: done, isReplay: true }
  try {
    return { success: await mutation.run(ctx), isReplay: false }
  } catch (cause) {
    if (!(cause instanceof DomainError) || mayChange(cause)) throw cause
    if (!mutation.errors.some((type) => cause instanceof type)) throw cause
    return { error: cause }
  }
}

/** Errors that waiting may cure: the next call with the key tries again. */
const mayChange = (error: DomainError): boolean =>
  error instanceof Unavailable || error instanceof QuotaReached || error instanceof TimedOut

/** The answer made from the object, when the call has had its effect. */
async function madeAgain<Success extends object>(
  ctx: Context,
  { again }: KeyedMutation<Success>,
  callId: string,
): Promise<Success | undefined> {
  if (again === 'repeat') return undefined
  const [effect] = await effectsOf(ctx.database, callId)
  return effect && again(ctx, effect.subject.slice(effect.subject.indexOf(':') + 1))
}

/** The answer that was kept, for whoever may still have it. */
async function replay<Success extends object>(
  ctx: Context,
  mutation: KeyedMutation<Success>,
  asked: AskedCall,
  kept: Kept,
): Promise<KeyedOutcome<Success>> {
  if (kept.digest !== asked.digest) throw usedOtherwise(kept, asked)
  const { signer } = ctx
  const answer = read(kept.answer, (prefix) => Secret.of({ signer, call: kept }, prefix))
  allowAgain(ctx.viewer, answer.rights)
  if (answer.error !== undefined) throw readError(answer.error, mutation.errors)
  const success = answer.isTooLarge
    ? await madeAgain({ ...ctx, call: kept }, mutation, kept.id)
    : (answer.success as Success) // the same mutation wrote it
  if (success === undefined)
    throw new Conflict(
      'idempotencyKey',
      `This call of ${kept.mutation} is done, and its answer was too large to be kept: to call again, use another key.`,
    )
  return { success: (await mutation.refresh?.(ctx, success)) ?? success, isReplay: true }
}

const usedOtherwise = ({ mutation }: CallRow, asked: AskedCall): Conflict =>
  new Conflict(
    'idempotencyKey',
    mutation === asked.mutation
      ? `This key was used for ${mutation} with another input.`
      : `This key was used for ${mutation}.`,
  )

const stillInWork = (): TimedOut =>
  new TimedOut('The call with this idempotency key is still in work: send it again to wait on.')

async function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  const waiting = new AbortController()
  const { signal } = waiting
  const tooLong = pause(Math.max(0, deadline - performance.now()), undefined, { signal })
  try {
    return await Promise.race([
      work,
      tooLong.then(() => {
        throw stillInWork()
      }),
    ])
  } finally {
    waiting.abort()
  }
}
