import {
  CliLogsDocument,
  CliServiceChangedDocument,
  type CliServiceChangedSubscription,
} from '../generated/operations/graphql.ts'
import { followed, send, type ServerAccess } from './api.ts'
import { note } from './output.ts'
import { Refusal } from './refusal.ts'
import { instancesOf, withProcesses, type ShownService } from './service.ts'
import { inOneLine } from './visible.ts'

/** Lines of the log that are shown of a failure. */
const LAST_LINES = 20

/**
 * Waits through every outage until nothing of the service is on its way any more, telling on stderr what happens. Throws a Refusal, with
 * the last lines of its log before it, when it has FAILED or when it serves another version than `versionId`.
 */
export async function settled(
  at: ServerAccess,
  service: ShownService,
  versionId?: string,
): Promise<ShownService> {
  const server = followed(at)
  const now = isSettled(service) ? service : await watched(server, service)
  if (now.status === 'FAILED') {
    await showLog(server, now)
    throw new Refusal(`${now.handle} failed: ${now.statusReason ?? 'the reason is unknown'}`)
  }
  if (versionId === undefined) return now
  const { version } = withProcesses(now)
  if (version.id !== versionId) {
    await showLog(server, now)
    throw new Refusal(
      `${now.handle} still serves version ${version.label}: ${now.statusReason ?? 'the new version was rolled back'}`,
    )
  }
  return now
}

function isSettled(service: ShownService): boolean {
  switch (service.status) {
    case 'FAILED':
    case 'STOPPED':
      return true
    case 'READY':
    case 'UNAVAILABLE':
      return service.__typename !== 'ProcessService' || service.targetVersion === null
    case 'STARTING':
    case 'SCALING':
    case 'STOPPING':
      return false
  }
}

async function watched(server: ServerAccess, service: ShownService): Promise<ShownService> {
  const { follow } = await import('./follow.ts')
  const told = progress(service)
  const variables = { serviceId: service.id, after: service.asOf }
  for await (const { serviceChanged } of follow(server, CliServiceChangedDocument, variables)) {
    const now = serviceChanged.service
    if (now === null) break
    told(serviceChanged)
    if (isSettled(now)) return now
  }
  throw new Refusal(`${service.handle} was deleted in the meantime.`)
}

type Change = CliServiceChangedSubscription['serviceChanged']

/** Tells each state once, and each process that ended. */
function progress(first: ShownService): (change: Change) => void {
  let shown = ''
  const show = (service: ShownService): void => {
    const line = `${service.handle}: ${service.status.toLowerCase()}, ${instancesOf(service)} ready`
    if (line !== shown) note(line)
    shown = line
  }
  show(first)
  return ({ events, service }) => {
    for (const { kind, instance, message } of events)
      if (kind === 'INSTANCE_EXITED')
        note(`  instance ${instance ?? '?'} ended${message === null ? '' : `: ${message}`}`)
    if (service !== null) show(service)
  }
}

async function showLog(server: ServerAccess, { id }: ShownService): Promise<void> {
  const variables = { serviceId: id, last: LAST_LINES, filter: { isUnfinished: false } }
  const { service } = await send(server, CliLogsDocument, variables)
  for (const { text } of service?.logs.nodes ?? []) note(`  | ${inOneLine(text)}`)
}
