import { createClient, type Client as SocketClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type {
  LogPageQuery,
  LogPageQueryVariables,
  ServiceLogsSubscription,
  ServiceLogsSubscriptionVariables,
  TypedDocumentString,
} from '../../testkit/generated/graphql.ts'
import type { Answer, Client } from '../../testkit/client.ts'
import { LogPage, ServiceLogs } from '../../testkit/operations/streams.ts'
import { until } from '../../testkit/until.ts'

export type Line = ServiceLogsSubscription['serviceLogs']['lines'][number]
export type LogDelivery = ServiceLogsSubscription['serviceLogs']

/** One subscription and all it was delivered. */
export interface Following<Data> {
  readonly results: Answer<Data>[]
  /** Set once it is over: it is complete, or was cut. */
  readonly over: boolean
  readonly error: unknown
  stop(): void
}

/** Subscribes over a WebSocket of its own, or the one given. */
export function follow<Data, Variables extends Readonly<Record<string, unknown>>>(
  client: Client,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  { url = client.url, socket }: { url?: string; socket?: SocketClient } = {},
): Following<Data> {
  const connection = socket ?? openSocket(client, url)
  const results: Answer<Data>[] = []
  const state = { over: false, error: undefined as unknown }
  const end = (error?: unknown): void => {
    state.over = true
    state.error = error
    if (socket === undefined) void connection.dispose()
  }
  const unsubscribe = connection.subscribe<Data>(
    { query: document.toString(), variables },
    { next: (result) => results.push(result as Answer<Data>), error: end, complete: () => end() },
  )
  return {
    results,
    get over() {
      return state.over
    },
    get error() {
      return state.error
    },
    stop: unsubscribe,
  }
}

/** A graphql-ws client that does not reconnect by itself. */
export const openSocket = (client: Client, url = client.url): SocketClient =>
  createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: client.headers,
    retryAttempts: 0,
  })

/** Follows a log over WebSocket. */
export const followLog = (
  client: Client,
  variables: ServiceLogsSubscriptionVariables,
): Following<ServiceLogsSubscription> => follow(client, ServiceLogs, variables)

export const deliveriesOf = ({ results }: Following<ServiceLogsSubscription>): LogDelivery[] =>
  results.map(({ data, errors }) => {
    if (data == null) throw new Error(`No delivery: ${JSON.stringify(errors)}`)
    return data.serviceLogs
  })

export const linesOf = (following: Following<ServiceLogsSubscription>): Line[] =>
  deliveriesOf(following).flatMap(({ lines }) => lines)

/** Resolves once the subscription has delivered so many lines. */
export const hasLines = (
  following: Following<ServiceLogsSubscription>,
  count: number,
): Promise<void> =>
  until(() => {
    if (following.over && linesOf(following).length < count)
      throw new Error(`Over after ${linesOf(following).length} of ${count} lines`)
    return linesOf(following).length >= count
  })

type LogsPage = NonNullable<LogPageQuery['service']>['logs']

export async function logPage(client: Client, variables: LogPageQueryVariables): Promise<LogsPage> {
  const { service } = await client.request(LogPage, variables)
  if (service == null) throw new Error(`No service ${variables.id}`)
  return service.logs
}

/** A whole log by pages from its beginning. */
export async function pageForward(client: Client, id: string, first = 1_000): Promise<Line[]> {
  const lines: Line[] = []
  let after: string | null = 'start'
  for (;;) {
    const page: LogsPage = await logPage(client, { id, first, after })
    lines.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return lines
    after = page.pageInfo.endCursor
  }
}

/** A whole log by pages from its end. */
export async function pageBackward(client: Client, id: string, last = 1_000): Promise<Line[]> {
  const pages: Line[][] = []
  let before: string | null = null
  for (;;) {
    const page: LogsPage = await logPage(client, { id, last, before })
    pages.unshift(page.nodes)
    if (!page.pageInfo.hasPreviousPage) return pages.flat()
    before = page.pageInfo.startCursor
  }
}

/** Whether these numbers are `from`, `from + 1` …: nothing lost, repeated or out of order. */
export function firstFault(numbers: readonly number[], from = 1): string | undefined {
  for (const [place, number] of numbers.entries())
    if (number !== from + place) return `${number} stands where ${from + place} belongs`
  return undefined
}
