import type { GraphQLError } from 'graphql'

const NUMBERED =
  'Since version 0.2 use "from", the number of the first entry, or "after", a cursor.'
const REMOVED = 'It was removed in version 0.2, because it was never used.'

/**
 * What earlier versions called otherwise, or had and this one has not: the schema coordinate of then, and what to do now. A
 * coordinate that is given anew goes out of it.
 */
const RENAMED: Readonly<Record<string, string>> = {
  Error: 'It is called "UserError" since version 0.2.',
  Event: 'It is called "StreamEvent" since version 0.2.',
  Function: 'It is called "ServiceFunction" since version 0.2.',
  FunctionInput: 'It is called "ServiceFunctionInput" since version 0.2.',
  ObjectEvent: 'It is called "DeploymentEvent" since version 0.2.',
  ObjectEventConnection: 'It is called "DeploymentEventConnection" since version 0.2.',
  ObjectEventEdge: 'It is called "DeploymentEventEdge" since version 0.2.',
  'JobFilter.rootId': 'It is called "rootIds" and is a list since version 0.2.',
  'JobFilter.front': 'It is called "fronts" and is a list since version 0.2.',
  'JobFilter.created': 'It is called "createdAt" since version 0.2.',
  'JobFilter.finished': 'It is called "finishedAt" since version 0.2.',
  'JobFilter.errorContains': 'It is called "errorText" and ignores case since version 0.2.',
  'Subscription.jobsChanged(serviceId:)': 'It is "serviceIds", a list, since version 0.2.',
  'JobsDelivery.counts': 'It is "services { id jobCounts { … } }" since version 0.2.',
  HeartbeatInput: 'It is called "HeartbeatJobsItem" since version 0.2.',
  'HeartbeatJobsInput.beats': 'It is called "jobs" since version 0.2.',
  'NotFound.id': 'It is called "requestedId" since version 0.2.',
  'Address.id': 'It is called "text" since version 0.2.',
  'Unavailable.missing': 'It is called "reason" since version 0.2.',
  'Query.deployments(text:)': 'It is in "filter" since version 0.2.',
  'Query.routes(deploymentId:)': 'It is "filter.deploymentIds" since version 0.2.',
  'Query.workers(serviceId:)': 'It is "filter.serviceIds" since version 0.2.',
  'ServiceFilter.deploymentId': 'It is called "deploymentIds" and is a list since version 0.2.',
  'ServiceFilter.front': 'It is called "fronts" and is a list since version 0.2.',
  'ServiceFilter.name': 'It is called "names" and is a list since version 0.2.',
  'ActivityFilter.actor': 'It is called "actors" and is a list since version 0.2.',
  'LogFilter.contains': 'It is called "text" and ignores case since version 0.2.',
  'LogFilter.attempt': 'It is called "attempts" and is a list since version 0.2.',
  'LogFilter.instance': 'It is called "instances" and is a list since version 0.2.',
  'Query.activity(offset:)': NUMBERED,
  'Service.events(offset:)': NUMBERED,
  'Service.logs(offset:)': NUMBERED,
  'ProcessService.events(offset:)': NUMBERED,
  'ProcessService.logs(offset:)': NUMBERED,
  'QueueService.events(offset:)': NUMBERED,
  'QueueService.logs(offset:)': NUMBERED,
  'Job.events(offset:)': NUMBERED,
  'Job.logs(offset:)': NUMBERED,
  'Deployment.events(offset:)': NUMBERED,
  'Job.subject': REMOVED,
  'JobError.trace': REMOVED,
  'JobEvent.output': REMOVED,
  'ServiceKind.ENDPOINT': REMOVED,
  'ServiceKind.MODEL': REMOVED,
}

/** How GraphQL tells of a name that is not there, each with the coordinate that was meant. */
const UNKNOWN: readonly (readonly [RegExp, (first: string, second: string) => string])[] = [
  [/^Unknown type "(\w+)"\./, (type) => type],
  [/^Cannot query field "(\w+)" on type "(\w+)"\./, (field, type) => `${type}.${field}`],
  [/^Unknown argument "(\w+)" on field "([\w.]+)"\./, (name, field) => `${field}(${name}:)`],
  [/\bField "(\w+)" is not defined by type "(\w+)"\./, (field, type) => `${type}.${field}`],
  [/\bValue "(\w+)" does not exist in "(\w+)" enum\./, (value, type) => `${type}.${value}`],
]

/**
 * One sentence that says what to do about an error that comes of another version of the API; undefined for any other.
 * `knowsNames`: whether the caller may learn names of the schema.
 */
export function hintFor(error: GraphQLError, knowsNames: boolean): string | undefined {
  const coordinate = coordinateIn(error.message)
  if (coordinate === undefined) return undefined
  const now = knowsNames && Object.hasOwn(RENAMED, coordinate) ? RENAMED[coordinate] : undefined
  return hintForWorker(error.source?.body ?? '') ?? now
}

function coordinateIn(message: string): string | undefined {
  for (const [pattern, coordinate] of UNKNOWN) {
    const [, first = '', second = ''] = pattern.exec(message) ?? []
    if (first !== '') return coordinate(first, second)
  }
  return undefined
}

/** What our own workers send; that of this version is known, so one that is refused is of another. */
export function hintForWorker(text: string): string | undefined {
  const [, name] = /\b(?:mutation|query) (Worker[A-Z]\w*)/.exec(text) ?? []
  if (name === undefined || !/\bfragment Worker(?:Problem|Job) on /.test(text)) return undefined
  return name.includes('Job') // as the Python worker names them
    ? 'This millrace.py is of another version than the server: download it again with curl -O <address of the server>/millrace.py.'
    : 'This millrace/worker is of another version than the server: install the version of the package that the server has.'
}
