import { isAllowed, type Viewer } from '../auth/viewer.ts'
import { Forbidden, WrongState } from '../kit/errors.ts'
import { jobActions, type JobAction, type JobRow } from '../work/index.ts'

type Facts = Pick<JobRow, 'organizationId' | 'status'>

/** Why the viewer may not do this to the job as it is; undefined when nothing stands against it. */
function refusal(
  viewer: Viewer,
  action: JobAction,
  { organizationId, status }: Facts,
): Forbidden | WrongState | undefined {
  const { role, from } = jobActions[action]
  if (!isAllowed(viewer, role, organizationId)) return new Forbidden(role)
  return from.includes(status) ? undefined : wrongState(status, from)
}

/** Throws Forbidden or WrongState unless the viewer may do this to the job as it is. */
export function permitJob(viewer: Viewer, action: JobAction, job: Facts): void {
  const why = refusal(viewer, action, job)
  if (why !== undefined) throw why
}

/** What the viewer may do to the job as it is: what `permitJob` lets through. */
export const jobViewerActions = (viewer: Viewer, job: Facts): JobAction[] =>
  (['CANCEL', 'RETRY', 'AMEND'] as const).filter(
    (action) => refusal(viewer, action, job) === undefined,
  )

const wrongState = (state: string, allowed: readonly string[]): WrongState =>
  new WrongState(`The job is ${state}; this needs ${allowed.join(' or ')}.`, state, allowed)
