import { allow, isAllowed, type Viewer } from '../auth/viewer.ts'
import type { Service } from '../generated/prisma/client.ts'
import { Forbidden, ValidationError, WrongState } from '../kit/errors.ts'
import { actionNames, processStatus, serviceActions, type ServiceAction } from './service.ts'

type Facts = Pick<Service, 'organizationId' | 'isBuiltIn' | 'status' | 'kind'>

/** Why the viewer may not do this to the service as it is; undefined when nothing stands against it. */
function refusal(
  viewer: Viewer,
  action: ServiceAction,
  { organizationId, isBuiltIn, status, kind }: Facts,
): Forbidden | ValidationError | WrongState | undefined {
  const { role, from, kinds } = serviceActions[action]
  if (!isAllowed(viewer, role, organizationId)) return new Forbidden(role)
  if (isBuiltIn && action !== 'INVOKE')
    return new Forbidden('ADMIN', 'Built-in services cannot be changed.')
  if (!kinds.includes(kind)) return noProcesses
  const state = processStatus(status)
  return from.includes(state) ? undefined : wrongState(state, from)
}

export const noProcesses = new ValidationError([
  {
    path: ['id'],
    message: 'The service is a queue. This is only possible for a service that runs as processes.',
    rule: 'kind',
  },
])

/** Throws Forbidden, ValidationError (it is of another kind) or WrongState unless the viewer may do this to the service as it is. */
export function permit(viewer: Viewer, action: ServiceAction, service: Facts): void {
  allow(viewer, serviceActions[action].role, service.organizationId)
  const why = refusal(viewer, action, service)
  if (why !== undefined) throw why
}

/** What the viewer may do to the service as it is: what `permit` lets through. */
export const viewerActions = (viewer: Viewer, service: Facts): ServiceAction[] =>
  actionNames.filter((action) => refusal(viewer, action, service) === undefined)

export const wrongState = (state: string, allowed: readonly string[]): WrongState =>
  new WrongState(`The service is ${state}; this needs ${allowed.join(' or ')}.`, state, allowed)
