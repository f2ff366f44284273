import { Forbidden, NotFound, Unauthenticated, ValidationError } from '../kit/errors.ts'
import type { Actor } from '../kit/actor.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { FrontName } from '../rest/fronts.ts'
import { atLeast } from './roles.ts'

/** A role in one organization. */
export interface Membership {
  readonly organizationId: string
  readonly role: Role
}

/** The person behind a credential. */
export interface Person {
  readonly id: string
  readonly email: string
  readonly name: string | null
  readonly isServerAdmin: boolean
}

/** The one project that a token is good for, and its role there. */
export interface ProjectRight {
  readonly id: string
  readonly organizationId: string
  readonly role: Role
}

/**
 * Who asks. In open mode a caller without a credential is the user `admin`. A token narrowed to a project has no
 * memberships, so that whatever asks for one treats it like a stranger.
 */
export type Viewer =
  | { readonly kind: 'anonymous'; readonly memberships: readonly Membership[] }
  | {
      readonly kind: 'user'
      readonly user: Person
      readonly memberships: readonly Membership[]
      /** The only organization that the caller wants to act in. */
      readonly chosen?: string
    }
  | {
      readonly kind: 'token'
      readonly tokenId: string
      readonly tokenName: string
      readonly user: Person | undefined
      readonly memberships: readonly Membership[]
      readonly project?: ProjectRight
      /** The only organization that this token of a person is good for. */
      readonly within?: string
      /** The only organization that the caller wants to act in. */
      readonly chosen?: string
    }
  /** Somebody without a name, on a front that is open. */
  | {
      readonly kind: 'front'
      readonly front: FrontName
      readonly memberships: readonly Membership[]
    }

export const anonymous: Viewer = { kind: 'anonymous', memberships: [] }

/**
 * The same viewer, good for no more than one of its organizations: nothing elsewhere is there, and the server itself
 * is administered by nobody who acts in one.
 */
export function choosing(viewer: Viewer, organizationId: string): Viewer {
  const memberships = viewer.memberships.filter((one) => one.organizationId === organizationId)
  switch (viewer.kind) {
    case 'anonymous':
    case 'front':
      return { ...viewer, memberships }
    case 'user':
      return { ...viewer, user: without(viewer.user), memberships, chosen: organizationId }
    case 'token': {
      const user = viewer.user && without(viewer.user)
      return { ...viewer, user, memberships, chosen: organizationId }
    }
  }
}

const without = (user: Person): Person => ({ ...user, isServerAdmin: false })

/** The only organization that the viewer wants to act in, if it is so. */
export const chosenBy = (viewer: Viewer): string | undefined =>
  viewer.kind === 'user' || viewer.kind === 'token' ? viewer.chosen : undefined

/** The only organization that the viewer acts in: that of a token of a person, or the one chosen. */
export const boundTo = (viewer: Viewer): string | undefined =>
  (viewer.kind === 'token' ? viewer.within : undefined) ?? chosenBy(viewer)

/** The organizations whose objects the viewer may read: what every store filters by. Throws Unauthenticated. */
export function organizationsOf(viewer: Viewer): string[] {
  requireCredential(viewer)
  return viewer.memberships
    .filter(({ role }) => atLeast(role, 'VIEWER'))
    .map(({ organizationId }) => organizationId)
}

/** The organizations for whose jobs the viewer may work: those of every role. Throws Unauthenticated. */
export function workplacesOf(viewer: Viewer): string[] {
  requireCredential(viewer)
  return viewer.memberships.map(({ organizationId }) => organizationId)
}

/** Whether there is an organization that the viewer works for, and reads no more of than that takes. */
export function isWorkerAnywhere(viewer: Viewer): boolean {
  for (const { role } of viewer.memberships) if (role === 'WORKER') return true
  return confinedTo(viewer)?.role === 'WORKER'
}

/** Whether this is one. */
export const isWorkerIn = (viewer: Viewer, organizationId: string): boolean =>
  workedForBy(viewer).includes(organizationId)

/** Whether the viewer works, and reads nowhere. */
export const isWorkerOnly = (viewer: Viewer): boolean =>
  isWorkerAnywhere(viewer) && viewer.memberships.every(({ role }) => role === 'WORKER')

function workedForBy(viewer: Viewer): string[] {
  const project = confinedTo(viewer)
  return [...viewer.memberships, ...(project === undefined ? [] : [project])]
    .filter(({ role }) => role === 'WORKER')
    .map(({ organizationId }) => organizationId)
}

/** Throws unless there is a credential at all. */
export function requireCredential(viewer: Viewer): void {
  if (viewer.kind === 'anonymous')
    throw new Unauthenticated('This needs a credential: send "Authorization: Bearer <token>".')
}

/** Whether the viewer's role in that organization is `needed` or more. */
export function isAllowed(viewer: Viewer, needed: Role, organizationId: string): boolean {
  const membership = viewer.memberships.find((one) => one.organizationId === organizationId)
  if (membership === undefined || !atLeast(membership.role, needed)) return false
  noted.get(viewer)?.push({ needed, organizationId })
  return true
}

/** Throws Forbidden unless the viewer's role in that organization is `needed` or more. */
export function allow(viewer: Viewer, needed: Role, organizationId: string): void {
  requireCredential(viewer)
  if (!isAllowed(viewer, needed, organizationId)) throw new Forbidden(needed)
}

/** Notes that something of this organization is read, which the viewer is known to read. */
export const actsIn = (viewer: Viewer, organizationId: string): void =>
  void noted.get(viewer)?.push({ needed: 'VIEWER', organizationId })

/** A right that was needed and there: of a role in an organization, or without one of an administrator of the server. */
export interface Right {
  readonly needed: Role
  readonly organizationId?: string | undefined
}

const noted = new WeakMap<Viewer, Right[]>()

/** The same viewer, and the rights that are asked of it from now on: whoever repeats an answer asks for them again. */
export function noting(viewer: Viewer): { viewer: Viewer; rights: readonly Right[] } {
  const copy = { ...viewer }
  const rights: Right[] = []
  noted.set(copy, rights)
  return { viewer: copy, rights }
}

/** Throws Forbidden unless the viewer has these rights still. */
export function allowAgain(viewer: Viewer, rights: readonly Right[]): void {
  for (const { needed, organizationId } of rights)
    if (organizationId === undefined) allowServerAdmin(viewer)
    else allow(viewer, needed, organizationId)
}

/**
 * The organization a new object goes to: the one named, or the only one. Throws Forbidden, without a look-up, for
 * one that is not the viewer's, and ValidationError when there are several and none is named.
 */
export function organizationFor(viewer: Viewer, needed: Role, named: string | undefined): string {
  requireCredential(viewer)
  if (named !== undefined) {
    allow(viewer, needed, named)
    return named
  }
  const [only, ...others] = viewer.memberships
  if (only === undefined) throw new Forbidden(needed)
  if (others.length > 0)
    throw new ValidationError([
      {
        path: ['organizationId'],
        message: 'You are a member of several organizations: say in which one.',
        rule: 'required',
      },
    ])
  allow(viewer, needed, only.organizationId)
  return only.organizationId
}

/** The person or token, as events remember it. */
export function actorOf(viewer: Viewer): Actor {
  switch (viewer.kind) {
    case 'anonymous':
      return { kind: 'SYSTEM', name: 'anonymous' }
    case 'front':
      return { kind: 'USER', name: 'anonymous' }
    case 'user':
      return { kind: 'USER', name: viewer.user.email, userId: viewer.user.id }
    case 'token':
      return viewer.user
        ? { kind: 'USER', name: viewer.user.email, userId: viewer.user.id, tokenId: viewer.tokenId }
        : { kind: 'TOKEN', name: viewer.tokenName, tokenId: viewer.tokenId }
  }
}

/** The person who asks, if it is one. */
export const personOf = (viewer: Viewer): Person | undefined =>
  viewer.kind === 'user' || viewer.kind === 'token' ? viewer.user : undefined

/** The project that the viewer is confined to, if any. */
export const confinedTo = (viewer: Viewer): ProjectRight | undefined =>
  viewer.kind === 'token' ? viewer.project : undefined

/** Throws Forbidden unless the viewer administers the whole server. */
export function allowServerAdmin(viewer: Viewer): void {
  requireCredential(viewer)
  if (personOf(viewer)?.isServerAdmin !== true)
    throw new Forbidden('ADMIN', 'This needs an administrator of the server.')
  noted.get(viewer)?.push({ needed: 'ADMIN' })
}

/** Answers the row, or throws NotFound, which does not tell a missing object from a foreign one. */
export function found<Row>(row: Row | null | undefined, noun: string, id: string): Row {
  if (row === null || row === undefined) throw new NotFound(noun, id)
  return row
}
