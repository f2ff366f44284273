import type { Role } from '../generated/prisma/enums.ts'

/** A right that was needed and there: of a role in an organization, or without one of an administrator of the server. */
export interface Right {
  readonly needed: Role
  readonly organizationId?: string | undefined
}

/** By their viewers. */
const noted = new WeakMap<object, Right[]>()

/**
 * The same viewer, and the rights that are noted of it from now on: an answer is repeated, and what was opened goes on,
 * only for whoever has them still.
 */
export function noting<Viewer extends object>(
  viewer: Viewer,
): { viewer: Viewer; rights: readonly Right[] } {
  const copy = { ...viewer }
  const rights: Right[] = []
  noted.set(copy, rights)
  return { viewer: copy, rights }
}

/** Notes a right that the viewer is known to have, and that what it does needs; without an organization that of an administrator of the server. */
export const noteRight = (viewer: object, needed: Role, organizationId?: string): void =>
  void noted.get(viewer)?.push({ needed, organizationId })
