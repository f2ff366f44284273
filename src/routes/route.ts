import { hex16, uuid, type Naming } from '../addresses/index.ts'
import { idKind } from '../kit/ids.ts'

export const RouteId = idKind('rte')

export const routeNaming: Naming = {
  kind: RouteId,
  noun: 'route',
  spellings: { ABEJA: hex16('pnt-'), AUGER: uuid },
}

/** Most services that one route leads to. */
export const MAX_TARGETS = 20
