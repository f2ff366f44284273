import { hasSetpriv } from '../../../kit/processes/as-user.js'
import { processRuntime } from './process.ts'
import type { Runtime, UserRange } from '../runtime.ts'
import { lackingCapabilities } from './capabilities.ts'
import { InTheWay } from './in-the-way.ts'
import type { AgentLog } from './agent.ts'
import { openPlace } from './place.ts'
import { Languages } from './languages.ts'
import { shimsIn } from './program.ts'
import { tryOut } from './trial.ts'
import { UserNumbers } from './user-numbers.ts'

export interface OpenOptions {
  /** Folder of the server alone. */
  readonly dir: string
  /** Folder that programs work in which have users of their own. */
  readonly place: string
  /** Users that services may run as; undefined for none but the server's. */
  readonly users: UserRange | undefined
  readonly python: string | undefined
  /** What users of programs must not read; whatever of it they can is warned of. */
  readonly hidden: readonly string[]
  /** Takes the place for this server alone, or throws. */
  lock(place: string): Promise<{ release(): Promise<void> }>
  readonly log: AgentLog
}

/** Numbers that are tried for the trial; if so many are taken, all are. */
const TRIES = 50

/**
 * The process runtime as this machine lets it be: with a user of the operating system for each service where a start as
 * such a user succeeds, else with the server's own, and says why. What it can run is tried likewise.
 */
export async function openProcessRuntime(options: OpenOptions): Promise<Runtime> {
  try {
    return await openWalled(options)
  } catch (cause) {
    if (!(cause instanceof InTheWay)) throw cause
    const unwalled = `Programs run here as the user of the server: ${cause.message}.`
    return openUnwalled(options, unwalled)
  }
}

async function openWalled(options: OpenOptions): Promise<Runtime> {
  const { dir, place, users, log } = options
  if (users === undefined) throw new InTheWay('INSTANCE_USERS is off')
  const lacking = await lackingCapabilities()
  if (lacking === undefined) throw new InTheWay('this machine has no /proc to see processes in')
  if (process.geteuid?.() !== 0)
    // from one ordinary user to another, programs would keep the capabilities of the server (capabilities(7))
    throw new InTheWay(`only root may change users (the server runs as ${process.geteuid?.()})`)
  if (lacking.length > 0)
    throw new InTheWay(`the server may not change users (root without ${lacking.join(', ')})`)
  if (!(await hasSetpriv()))
    throw new InTheWay('there is no setpriv of util-linux to change users with')
  await openPlace(place, 'RUNTIME_DIR')
  const lock = await options.lock(place)
  const numbers = new UserNumbers()
  const languages = new Languages(options)
  const runtime = processRuntime({
    dir,
    place,
    shims: await shimsIn(`${place}/shims`),
    numbers,
    interpreterOf: languages.interpreterOf,
    log,
  })
  const close = async (): Promise<void> => {
    await runtime.close()
    await numbers.close()
    await lock.release()
  }
  try {
    const user = await freeNumber(users, numbers)
    await languages.found(await tryOut(runtime, await languages.trial(user, place)), user)
    await numbers.release(user)
  } catch (cause) {
    await close()
    throw cause
  }
  const facts = { users, unwalled: undefined, heedsSize: false, languages: languages.all }
  return { ...runtime, facts, close }
}

async function openUnwalled(options: OpenOptions, unwalled: string): Promise<Runtime> {
  const { dir, log } = options
  const languages = new Languages({ ...options, hidden: [] })
  const runtime = processRuntime({ dir, interpreterOf: languages.interpreterOf, log })
  try {
    const trial = await languages.trial(undefined, dir)
    await languages.found(await tryOut(runtime, trial), undefined)
  } catch (cause) {
    if (!(cause instanceof InTheWay)) throw cause
    log.warn({ err: cause }, `What this server can run was not found out: ${cause.message}.`)
  }
  const facts = { users: undefined, unwalled, heedsSize: false, languages: languages.all }
  return { ...runtime, facts }
}

async function freeNumber({ first, last }: UserRange, numbers: UserNumbers): Promise<number> {
  for (let n = 0; n < TRIES; n += 1) {
    const user = first + Math.floor(Math.random() * (last - first + 1))
    if (await numbers.take(user)) return user
  }
  throw new InTheWay(
    `others have the users ${first} to ${last} of this machine: set INSTANCE_USERS to others`,
  )
}
