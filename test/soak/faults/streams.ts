import type { TypedDocumentString } from '../../../testkit/generated/graphql.ts'
import type { Client } from '../../../testkit/client.ts'
import { DeploymentChanged, DeploymentEvents } from '../../../testkit/operations/deployments.ts'
import { Activities, OrganizationChanged } from '../../../testkit/operations/organizations.ts'
import {
  JobChanged,
  JobEvents,
  JobLogPage,
  JobLogs,
  JobQueued,
  JobsChanged,
  LogPage,
  ServiceChanged,
  ServiceEvents,
  ServiceLogs,
} from '../../../testkit/operations/streams.ts'

/** An entry of a stream: `what` is all of it that is stored, as a text. */
export interface Entry {
  readonly number: number
  readonly at: string
  readonly what: string
}

/** Some entries, and the cursor behind them. */
interface Page {
  readonly entries: readonly Entry[]
  readonly cursor: string | null
  readonly hasNext: boolean
}

/** One stream: how it is followed, and how it is read by pages. */
export interface Stream {
  readonly name: string
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
  /** Where it is followed from. */
  readonly from: string
  /** The number of its last entry before that. */
  readonly after: number
  /** Whether no entry is older than the one before: those of a queue have the order in which they were committed. */
  readonly isByTime: boolean
  /** The entries of a delivery. */
  take(data: unknown): readonly Entry[]
  /** What is behind a cursor; absent where no query lists the stream. */
  readonly page?: (client: Client, after: string) => Promise<Page>
}

/** What there is to follow. */
export interface Subjects {
  readonly serviceId: string
  readonly deploymentId: string
  readonly queueId: string
  readonly jobId: string
  /** Where the organization's history was when the others were made. */
  readonly history: { readonly cursor: string; readonly number: number }
}

interface Line {
  readonly number: number
  readonly at: string
  readonly source: string
  readonly text: string
}
interface Event {
  readonly number: number
  readonly at: string
  readonly kind: string
  readonly changes?: readonly unknown[]
  readonly job?: { readonly id: string } | null
}
interface Activity {
  readonly number: number
  readonly at: string
  readonly action: string
  readonly subjectId: string
  readonly changes: readonly unknown[]
}

const ofLine = ({ number, at, source, text }: Line): Entry => ({
  number,
  at,
  what: `${source} ${text}`,
})
const ofEvent = ({ number, at, kind, changes = [], job }: Event): Entry => ({
  number,
  at,
  what: [kind, job?.id ?? '', JSON.stringify(changes)].join(' '),
})
const ofActivity = ({ number, at, action, subjectId, changes }: Activity): Entry => ({
  number,
  at,
  what: [action, subjectId, JSON.stringify(changes)].join(' '),
})

interface Connection<Node> {
  readonly nodes: readonly Node[]
  readonly pageInfo: { readonly endCursor?: string | null; readonly hasNextPage: boolean }
}

/** A page of a connection that must be there. */
function pageOf<Node>(found: Connection<Node> | undefined, entry: (node: Node) => Entry): Page {
  if (found === undefined) throw new Error('What is followed is gone.')
  const { endCursor, hasNextPage } = found.pageInfo
  return {
    entries: found.nodes.map(entry),
    cursor: endCursor ?? null,
    hasNext: hasNextPage,
  }
}

/** A document with what it delivers: the rest knows neither. */
function stream<Data, Variables extends Readonly<Record<string, unknown>>>(
  name: string,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  take: (data: Data) => readonly Entry[],
  page?: Stream['page'],
  { cursor: from, number: after } = { cursor: 'start', number: 0 },
): Stream {
  return {
    name,
    query: document.toString(),
    variables,
    from,
    after,
    isByTime: name !== 'jobsChanged',
    take: (data) => take(data as Data), // what the document asks for
    ...(page === undefined ? {} : { page }),
  }
}

/** Every stream that a subscription follows. */
export function streamsOf({
  serviceId,
  deploymentId,
  queueId,
  jobId,
  history,
}: Subjects): readonly Stream[] {
  return [
    stream(
      'serviceLogs',
      ServiceLogs,
      { serviceId },
      ({ serviceLogs }) => serviceLogs.lines.map(ofLine),
      async (client, after) =>
        pageOf(
          (await client.request(LogPage, { id: serviceId, first: 1000, after })).service?.logs,
          ofLine,
        ),
    ),
    stream(
      'serviceChanged',
      ServiceChanged,
      { serviceId },
      ({ serviceChanged }) => serviceChanged.events.map(ofEvent),
      async (client, after) =>
        pageOf(
          (await client.request(ServiceEvents, { serviceId, after })).service?.events,
          ofEvent,
        ),
    ),
    stream(
      'deploymentChanged',
      DeploymentChanged,
      { deploymentId },
      ({ deploymentChanged }) => deploymentChanged.events.map(ofEvent),
      async (client, after) =>
        pageOf(
          (await client.request(DeploymentEvents, { deploymentId, after })).deployment?.events,
          ofEvent,
        ),
    ),
    stream('jobsChanged', JobsChanged, { serviceIds: [queueId] }, ({ jobsChanged }) =>
      jobsChanged.events.map(ofEvent),
    ),
    stream(
      'jobChanged',
      JobChanged,
      { jobId },
      ({ jobChanged }) => jobChanged.events.map(ofEvent),
      async (client, after) =>
        pageOf((await client.request(JobEvents, { jobId, after })).job?.events, ofEvent),
    ),
    stream(
      'jobLogs',
      JobLogs,
      { jobId },
      ({ jobLogs }) => jobLogs.lines.map(ofLine),
      async (client, after) =>
        pageOf((await client.request(JobLogPage, { jobId, after })).job?.logs, ofLine),
    ),
    stream(
      'organizationChanged',
      OrganizationChanged,
      {},
      ({ organizationChanged }) => organizationChanged.activities.map(ofActivity),
      async (client, before) => {
        // listed newest first: what follows a cursor is before it
        const { nodes, pageInfo } = (await client.request(Activities, { last: 500, before }))
          .activity
        return {
          entries: nodes.map(ofActivity).toReversed(),
          cursor: pageInfo.startCursor ?? null,
          hasNext: pageInfo.hasPreviousPage,
        }
      },
      history,
    ),
  ]
}

/** What wakes workers: it has no entries and no cursor, and needs only go on. */
export const wakingOf = ({ queueId: serviceId }: Subjects): Stream =>
  stream('jobQueued', JobQueued, { serviceIds: [serviceId] }, () => [])

/** All that is stored of a stream behind where it is followed from, by pages. */
export async function storedOf(stream: Stream, client: Client): Promise<Entry[]> {
  const entries: Entry[] = []
  for (let after: string | null = stream.from; after !== null && stream.page !== undefined;) {
    const page: Page = await stream.page(client, after)
    entries.push(...page.entries)
    after = page.hasNext ? page.cursor : null
  }
  return entries
}
