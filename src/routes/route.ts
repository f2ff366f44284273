import type { Route } from '../generated/prisma/client.ts'
import { idKind } from '../kit/ids.ts'
import { kindOf } from '../kinds/index.ts'

export const RouteId = idKind('rte')

export const routes = kindOf<Route>({
  kind: RouteId,
  noun: 'route',
  table: 'Route',
  type: 'Route',
  within: ['organization', 'deployment'],
  held: ['heldHandle', 'heldName'],
  search: {
    names: ['name', 'heldHandle'],
    title: ({ name }) => name,
    detail: ({ handle }) => handle,
  },
})

/** Most services that one route leads to. */
export const MAX_TARGETS = 20
