import { Forbidden, NotFound, Unauthenticated, ValidationError } from '../kit/errors.ts'
import type { Actor } from '../kit/actor.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { FrontName } from '../rest/fronts.ts'
import { noteRight, type Right } from './noted-rights.ts'
import { atLeast } from './roles.ts'

/** A role in one organization. */
export interface OrganizationRole {
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
  | { readonly kind: 'anonymous'; readonly memberships: readonly OrganizationRole[] }
  | {
      readonly kind: 'user'
      readonly user: Person
      readonly memberships: readonly OrganizationRole[]
      /** The only organization that the caller wants to act in. */
      readonly chosen?: string
    }
  | {
      readonly kind: 'token'
      readonly tokenId: string
      readonly tokenName: string
      readonly user: Person | undefined
      readonly memberships: readonly OrganizationRole[]
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
      readonly memberships: readonly OrganizationRole[]
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
  return membership !== undefined && atLeast(membership.role, needed)
}

/** Throws Forbidden, with words of its own if need be, unless the viewer has that right, and notes it (`noteRight`). */
export function allow(viewer: Viewer, needed: Role, organizationId: string, why?: string): void {
  requireCredential(viewer)
  if (!isAllowed(viewer, needed, organizationId)) throw new Forbidden(needed, why)
  noteRight(viewer, needed, organizationId)
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

/** Throws Forbidden unless the viewer administers the whole server, and notes that it does. */
export function allowServerAdmin(viewer: Viewer): void {
  requireCredential(viewer)
  if (personOf(viewer)?.isServerAdmin !== true)
    throw new Forbidden('ADMIN', 'This needs an administrator of the server.')
  noteRight(viewer, 'ADMIN')
}

/** Answers the row, or throws NotFound, which does not tell a missing object from a foreign one. */
export function found<Row>(row: Row | null | undefined, noun: string, id: string): Row {
  if (row === null || row === undefined) throw new NotFound(noun, id)
  return row
}
