import { wordFor } from '../addresses/index.ts'
import { choosing, confinedTo, personOf, type Viewer } from '../auth/viewer.ts'
import type { Context } from '../context.ts'
import { Forbidden } from '../kit/errors.ts'
import { FILLERS } from '../kit/names.ts'
import { frontNames, fronts, wordOf, type FrontName } from '../rest/fronts.ts'
import { organizations } from './organization.ts'
import { organizationNamed } from './store.ts'

/** User names remembered of one viewer, who is forgotten within a second. */
const MAX_KNOWN = 20
const known = new WeakMap<Viewer, Map<string, Promise<Viewer>>>()

/**
 * The viewer as the user name of its credential wants it: good for the organization alone that it names by handle, id
 * or address, also by the id that the clients of a front are given, as it is printed for them. A name that is none of the viewer's organizations is Forbidden, whether there is such an organization
 * or not, so that a credential never acts elsewhere than it was told to; but some names say nothing.
 */
export function asChosen(
  { database }: Pick<Context, 'database'>,
  viewer: Viewer,
  userName: string,
): Promise<Viewer> {
  const names = known.get(viewer) ?? new Map<string, Promise<Viewer>>()
  known.set(viewer, names)
  const before = names.get(userName)
  if (before !== undefined) return before
  const choice = choose(database, viewer, userName)
  if (names.size < MAX_KNOWN) {
    names.set(userName, choice)
    choice.catch(() => names.delete(userName))
  }
  return choice
}

async function choose(
  database: Context['database'],
  viewer: Viewer,
  userName: string,
): Promise<Viewer> {
  const project = confinedTo(viewer)
  const whole = project === undefined ? viewer : { ...viewer, memberships: [project] }
  const named = async (text: string): Promise<Viewer | undefined> => {
    try {
      const organizationId = await organizationNamed({ database, viewer: whole }, text)
      return organizationId === undefined || project ? viewer : choosing(viewer, organizationId)
    } catch (cause) {
      if (cause instanceof Forbidden) return undefined
      throw cause
    }
  }
  const chosen = await named(userName)
  if (chosen !== undefined) return chosen
  if (saysNothing(userName) || userName === personOf(viewer)?.email) return viewer
  const words = userName.includes(':') ? [] : frontNames.filter(callsOrganizations).map(wordOf)
  for (const word of words) {
    const printed = await named(`${word}:${userName}`)
    if (printed !== undefined) return printed
  }
  throw new Forbidden(
    'VIEWER',
    `The user name ${JSON.stringify(userName)} is none of your organizations: write the handle of one, or "any".`,
  )
}

const callsOrganizations = (front: FrontName): boolean =>
  wordFor(front, organizations) !== undefined

/** Fillers, e-mail addresses of people, and what clients of old systems call themselves. */
const saysNothing = (userName: string): boolean =>
  FILLERS.includes(userName) ||
  userName.includes('@') ||
  fronts.some(({ clientNames }) => clientNames?.test(userName))
