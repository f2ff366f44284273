import { isAllowed, type Viewer } from '../auth/viewer.ts'
import type { Service } from '../generated/prisma/client.ts'
import { Forbidden, WrongState } from '../kit/errors.ts'
import { actionNames, processStatus, serviceActions, type ServiceAction } from './service.ts'

type Facts = Pick<Service, 'organizationId' | 'isBuiltIn' | 'status'>

/** Why the viewer may not do this to the service as it is; undefined when nothing stands against it. */
function refusal(
  viewer: Viewer,
  action: ServiceAction,
  { organizationId, isBuiltIn, status }: Facts,
): Forbidden | WrongState | undefined {
  const { role, from } = serviceActions[action]
  if (!isAllowed(viewer, role, organizationId)) return new Forbidden(role)
  if (isBuiltIn && action !== 'INVOKE')
    return new Forbidden('ADMIN', 'Built-in services cannot be changed.')
  const state = processStatus(status)
  return from.includes(state) ? undefined : wrongState(state, from)
}

/** Throws Forbidden or WrongState unless the viewer may do this to the service as it is. */
export function permit(viewer: Viewer, action: ServiceAction, service: Facts): void {
  const why = refusal(viewer, action, service)
  if (why !== undefined) throw why
}

/** What the viewer may do to the service as it is: what `permit` lets through. */
export const viewerActions = (viewer: Viewer, service: Facts): ServiceAction[] =>
  actionNames.filter((action) => refusal(viewer, action, service) === undefined)

export const wrongState = (state: string, allowed: readonly string[]): WrongState =>
  new WrongState(`The service is ${state}; this needs ${allowed.join(' or ')}.`, state, allowed)
