import { naming } from '../addresses/index.ts'
import { idKind } from '../kit/ids.ts'

export const RouteId = idKind('rte')

export const routeNaming = naming({
  kind: RouteId,
  noun: 'route',
  table: 'Route',
  within: ['organization', 'deployment'],
})

/** Most services that one route leads to. */
export const MAX_TARGETS = 20
