import type { Role } from '../generated/prisma/enums.ts'

/** Weakest first; each may do what those before it may. */
const order: readonly Role[] = ['WORKER', 'VIEWER', 'DEVELOPER', 'ADMIN']

export const atLeast = (role: Role, needed: Role): boolean =>
  order.indexOf(role) >= order.indexOf(needed)
