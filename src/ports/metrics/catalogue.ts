import { errorCodes } from '../../kit/errors.ts'
import { frontWords } from '../../rest/fronts.ts'

/** What a metric counts or measures, and the labels its values are told apart by. */
export interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /**
   * Each label with all the values it can have, or with where they come from when that bounds them. Never something
   * a tenant chose.
   */
  readonly labels: Readonly<Record<string, readonly string[] | 'route'>>
  /** Upper bounds of a histogram's buckets, in the unit of its name. */
  readonly buckets?: readonly number[]
}

/** Upper bounds for what takes from a millisecond to half a minute. */
const SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const
/** Statements are quicker. */
const STATEMENT_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30,
] as const

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'OTHER'] as const
const operations = ['query', 'mutation', 'subscription', 'none'] as const
const doors = ['fast', 'yoga', 'websocket', 'sse', ...frontWords] as const

/**
 * Every metric of a server besides those of its process, by name. The unit is in the name; docs/metrics.md has the
 * same list for readers.
 */
export const catalogue = {
  // HTTP
  millrace_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests that were answered or broken off.',
    labels: {
      route: 'route',
      method: methods,
      status: ['1xx', '2xx', '3xx', '4xx', '5xx', 'aborted'],
    },
  },
  millrace_http_request_duration_seconds: {
    type: 'histogram',
    help: 'From the arrival of an HTTP request until its answer has left; an SSE stream lasts as long as it is open.',
    labels: { route: 'route', method: methods },
    buckets: SECONDS,
  },
  millrace_authentication_failures_total: {
    type: 'counter',
    help: 'Requests and sockets with a credential that is not known, has expired or was revoked.',
    labels: {},
  },

  // GraphQL
  millrace_graphql_operations_total: {
    type: 'counter',
    help: 'GraphQL operations; a subscription counts when it has started or was refused. The code is that of the first error.',
    labels: { door: doors, kind: operations, code: ['OK', ...errorCodes, 'OTHER'] },
  },
  millrace_graphql_operation_duration_seconds: {
    type: 'histogram',
    help: 'How long a GraphQL operation ran; of a subscription, how long it took to start.',
    labels: { door: doors, kind: operations },
    buckets: SECONDS,
  },
  millrace_websockets: {
    type: 'gauge',
    help: 'WebSockets of the GraphQL API that are open.',
    labels: {},
  },
  millrace_service_websockets: {
    type: 'gauge',
    help: 'WebSockets between callers and services that are open.',
    labels: {},
  },
  millrace_sse_streams: {
    type: 'gauge',
    help: 'SSE streams that are open.',
    labels: {},
  },
  millrace_subscriptions: {
    type: 'gauge',
    help: 'GraphQL subscriptions that are open.',
    labels: { door: ['websocket', 'sse'] },
  },
  millrace_subscription_deliveries_total: {
    type: 'counter',
    help: 'Results of subscriptions that were made for their subscribers.',
    labels: { door: ['websocket', 'sse'] },
  },

  // Streams
  millrace_streams_followed: {
    type: 'gauge',
    help: 'Streams (logs, events) that somebody follows on this server.',
    labels: {},
  },
  millrace_stream_followers: {
    type: 'gauge',
    help: 'Followers of streams on this server.',
    labels: {},
  },
  millrace_stream_entries_delivered_total: {
    type: 'counter',
    help: 'Entries handed to followers, each follower counted.',
    labels: { source: ['window', 'table'] },
  },
  millrace_stream_lag_seconds: {
    type: 'histogram',
    help: 'From the time of an entry, by the clock of the database, until it is handed to a follower that was up to date: the oldest entry of each batch.',
    labels: {},
    buckets: SECONDS,
  },
  millrace_stream_fallbacks_total: {
    type: 'counter',
    help: 'Reads of the table for a follower that had been up to date and could not keep up.',
    labels: {},
  },
  millrace_stream_gaps_total: {
    type: 'counter',
    help: 'Gaps that followers were told of.',
    labels: { reason: ['RETENTION', 'RESTORED'] },
  },

  // The bus between servers
  millrace_bus_hints_published_total: {
    type: 'counter',
    help: 'Hints given to the bus.',
    labels: {},
  },
  millrace_bus_hints_received_total: {
    type: 'counter',
    help: 'Hints that reached a listener of this server, each listener counted.',
    labels: {},
  },
  millrace_bus_hints_failed_total: {
    type: 'counter',
    help: 'Hints lost here: the bus was away, overloaded or refused them. They cost latency, never data.',
    labels: {},
  },

  // Calls of services
  millrace_invocations_total: {
    type: 'counter',
    help: 'Calls of services: answered by the instance (below 500, or 5xx), refused (not found, not allowed, not running), without a ready instance, broken off by the instance, timed out, or given up by the caller. A call passed between servers counts on both.',
    labels: {
      via: ['local', 'sent', 'received'],
      outcome: ['ok', 'error', 'refused', 'unavailable', 'bad_gateway', 'timeout', 'aborted'],
    },
  },
  millrace_invocation_duration_seconds: {
    type: 'histogram',
    help: 'From a call of a service until its answer has been passed on whole.',
    labels: { via: ['local', 'sent', 'received'] },
    buckets: SECONDS,
  },
  millrace_invocations_in_flight: {
    type: 'gauge',
    help: 'Calls of services that are under way.',
    labels: {},
  },
  millrace_invocations_waiting: {
    type: 'gauge',
    help: 'Calls of sleeping services that wait for an instance.',
    labels: {},
  },

  // Services looked after by this server
  millrace_services_owned: {
    type: 'gauge',
    help: 'Services whose processes this server looks after, by the status it last saw.',
    labels: { status: ['STARTING', 'READY', 'SCALING', 'STOPPING', 'STOPPED', 'FAILED'] },
  },
  millrace_service_lease_losses_total: {
    type: 'counter',
    help: 'Services this server lost: its lease could not be renewed in time, or another server has it.',
    labels: {},
  },
  millrace_service_takeovers_total: {
    type: 'counter',
    help: 'Services taken over from a server whose lease had run out.',
    labels: {},
  },
  millrace_autoscale_decisions_total: {
    type: 'counter',
    help: 'Changes of the number of instances that autoscale has decided.',
    labels: { direction: ['up', 'down'] },
  },
  millrace_instance_restarts_total: {
    type: 'counter',
    help: 'Processes of services started again after an end that nobody asked for.',
    labels: {},
  },

  // Jobs
  millrace_job_moves_total: {
    type: 'counter',
    help: 'Jobs that this server has put into a status: submitted and queued again (QUEUED), claimed or asked to end (RUNNING), or ended.',
    labels: { status: ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] },
  },
  millrace_job_lease_losses_total: {
    type: 'counter',
    help: 'Attempts at jobs that this server found lost: the lease of their worker had expired.',
    labels: {},
  },
  millrace_jobs_queued: {
    type: 'gauge',
    help: 'Jobs that wait to be claimed, of all services; the same on every server, up to ten seconds old.',
    labels: {},
  },
  millrace_jobs_running: {
    type: 'gauge',
    help: 'Jobs in the hands of workers, of all services; the same on every server, up to ten seconds old.',
    labels: {},
  },
  millrace_jobs_oldest_queued_seconds: {
    type: 'gauge',
    help: 'How long the oldest job waits that may be claimed, of all services; 0 when none does. The same on every server, up to ten seconds old.',
    labels: {},
  },

  // Logs
  millrace_log_lines_stored_total: {
    type: 'counter',
    help: 'Log lines stored.',
    labels: {},
  },
  millrace_log_append_duration_seconds: {
    type: 'histogram',
    help: 'How long a batch of log lines took to be stored.',
    labels: {},
    buckets: STATEMENT_SECONDS,
  },
  millrace_retention_removed_rows_total: {
    type: 'counter',
    help: 'Rows removed because they were older, or more, than is kept.',
    labels: { table: ['log_lines', 'events', 'traffic', 'idempotency', 'jobs', 'job_events'] },
  },

  // Database
  millrace_database_connections: {
    type: 'gauge',
    help: 'Connections of the pool.',
    labels: { state: ['busy', 'idle'] },
  },
  millrace_database_waiting: {
    type: 'gauge',
    help: 'Callers that wait for a connection of the pool.',
    labels: {},
  },
  millrace_database_statement_duration_seconds: {
    type: 'histogram',
    help: "How long a statement took: named SQL, other SQL of ours, Prisma's, or the begin and end of a transaction.",
    labels: { kind: ['named', 'plain', 'prisma', 'transaction'] },
    buckets: STATEMENT_SECONDS,
  },
  millrace_database_transactions_total: {
    type: 'counter',
    help: 'Transactions begun.',
    labels: {},
  },
  millrace_database_errors_total: {
    type: 'counter',
    help: 'Statements and connection attempts that failed: because the database was away or overloaded (outage), or by themselves (statement).',
    labels: { cause: ['outage', 'statement'] },
  },
} as const satisfies Readonly<Record<string, Definition>>
