/*
 * Checks values by JSON Schemas that callers sent. Everything a schema or a value can make long is counted in steps. A
 * check begins in the event loop and is done there if it takes few; otherwise it begins anew in a thread, which may take
 * many more. Patterns that nobody can count are tried in another thread, so that nothing else waits for them. Either is
 * ended when it takes too long. The answer is the same wherever it is found.
 */
import { setImmediate as setTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Issue } from '../errors.ts'
import { Steps, TooManySteps } from '../pattern/steps.ts'
import type { SchemaDraft } from './draft.ts'
import { issuesOf, refusalOf, type Kept } from './judge.ts'
import { Pool, type Caller } from './pool.ts'
import { SHORT, type CheckAnswer, type Task } from './task.ts'

export { draftOf, namedDraft, type SchemaDraft } from './draft.ts'
export { knownSchema, type Kept } from './judge.ts'

/** Texts that are longer are not even read in the event loop. */
const MAX_SHORT_CHARACTERS = 128 * 1024

/** What is wrong with a value that nobody can check. */
const ENDLESS: Issue = {
  path: [],
  message: 'To check this by the schema takes too many steps, or never ends.',
  rule: 'steps',
}

const thread = (): Worker =>
  new Worker(new URL('./thread.worker.js', import.meta.url), {
    execArgv: [],
    // what it reads of values of 32 MiB, and what it makes of schemas
    resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 },
  })

const limits = {
  maxOfOne: 125,
  maxOfAll: 1_000,
  maxCharactersOfOne: 4 * 1024 * 1024,
  maxCharacters: 32 * 1024 * 1024,
  idleMs: 30_000,
}
/** Here the steps end what would never end, and the time only what they do not foresee. */
const counting = new Pool<Task, CheckAnswer>(thread, { ...limits, limitMs: 30_000 })
const patient = new Pool<Task, CheckAnswer>(thread, { ...limits, limitMs: 3_000 })

/**
 * What is wrong with a JSON text by a schema that was found to be one: at most 100 violations. `caller` is who waits
 * his turn where it takes long. Throws Unavailable when too many such checks wait, and why the caller's operation is over.
 */
export function check(
  schema: Kept,
  value: string,
  caller: Caller,
): readonly Issue[] | Promise<readonly Issue[]> {
  if (left <= 0) return ourTurn().then(() => check(schema, value, caller))
  const quick = briefly(value.length, (steps) => issuesOf(schema, value, steps))
  return quick === LATER ? checkLong(schema, value, caller) : quick
}

async function checkLong(schema: Kept, value: string, caller: Caller): Promise<readonly Issue[]> {
  const answer = await ask({ kind: 'issues', schema, value }, value.length, caller)
  return answer?.kind === 'issues' ? answer.issues : [ENDLESS]
}

/**
 * Why a text is no schema that may be kept: no schema of the draft it is to be read by, one that leads out of itself,
 * nowhere or in a circle, or too large. Nothing is ever fetched. Throws Unavailable as `check` does.
 */
export async function refusal(
  draft: SchemaDraft | undefined,
  text: string,
  caller: Caller,
): Promise<string | undefined> {
  await ourTurn()
  const quick = briefly(text.length, (steps) => ({ why: refusalOf(draft, text, steps) }))
  if (quick !== LATER) return quick.why
  const answer = await ask({ kind: 'refusal', draft, text }, text.length, caller)
  return answer?.kind === 'refusal' ? answer.why : ENDLESS.message
}

const LATER = Symbol('later')

/** Steps that all checks may still take in this turn of the event loop. */
let left = SHORT

/** Does what takes few steps; LATER if it turns out to take more. */
function briefly<T>(characters: number, work: (steps: Steps) => T): T | typeof LATER {
  if (characters > MAX_SHORT_CHARACTERS) return LATER
  if (left === SHORT) setImmediate(() => (left = SHORT))
  const steps = new Steps(SHORT)
  try {
    return work(steps)
  } catch (cause) {
    if (cause instanceof TooManySteps) return LATER
    throw cause
  } finally {
    left -= steps.taken
  }
}

/** Waits for a turn in which there are steps left: a call may have a thousand checks. */
async function ourTurn(): Promise<void> {
  if (left > 0) return
  await setTurn()
  await ourTurn()
}

async function ask(
  task: Task,
  characters: number,
  caller: Caller,
): Promise<CheckAnswer | undefined> {
  let answer = await counting.do(caller, task, characters)
  if (answer?.kind === 'uncountable')
    answer = await patient.do(caller, { ...task, isPatient: true }, characters)
  if (answer?.kind === 'fault') throw new Error(`A check failed: ${answer.message}`)
  return answer
}
