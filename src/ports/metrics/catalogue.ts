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
    help: 'HTTP requests that ended, with a response or aborted.',
    labels: {
      route: 'route',
      method: methods,
      status: ['1xx', '2xx', '3xx', '4xx', '5xx', 'aborted'],
    },
  },
  millrace_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the arrival of an HTTP request until its response was sent; an SSE stream lasts as long as it is open.',
    labels: { route: 'route', method: methods },
    buckets: SECONDS,
  },
  millrace_authentication_failures_total: {
    type: 'counter',
    help: 'Requests and sockets with an unknown, expired or revoked credential.',
    labels: {},
  },

  // GraphQL
  millrace_graphql_operations_total: {
    type: 'counter',
    help: 'GraphQL operations; a subscription counts when it has started or was refused. `code` is that of the first error.',
    labels: { door: doors, kind: operations, code: ['OK', ...errorCodes, 'OTHER'] },
  },
  millrace_graphql_operation_duration_seconds: {
    type: 'histogram',
    help: 'Time that a GraphQL operation ran; for a subscription, the time until it had started.',
    labels: { door: doors, kind: operations },
    buckets: SECONDS,
  },
  millrace_websockets: {
    type: 'gauge',
    help: 'Open WebSockets of the GraphQL API.',
    labels: {},
  },
  millrace_service_websockets: {
    type: 'gauge',
    help: 'Open WebSockets between callers and services.',
    labels: {},
  },
  millrace_sse_streams: {
    type: 'gauge',
    help: 'Open SSE streams.',
    labels: {},
  },
  millrace_subscriptions: {
    type: 'gauge',
    help: 'Open GraphQL subscriptions.',
    labels: { door: ['websocket', 'sse'] },
  },
  millrace_subscription_deliveries_total: {
    type: 'counter',
    help: 'Results that were produced for subscribers.',
    labels: { door: ['websocket', 'sse'] },
  },

  // Streams
  millrace_streams_followed: {
    type: 'gauge',
    help: 'Streams (logs, events) with followers on this server.',
    labels: {},
  },
  millrace_stream_followers: {
    type: 'gauge',
    help: 'Followers of streams on this server.',
    labels: {},
  },
  millrace_stream_entries_delivered_total: {
    type: 'counter',
    help: 'Entries passed to followers, counted for each follower.',
    labels: { source: ['window', 'table'] },
  },
  millrace_stream_lag_seconds: {
    type: 'histogram',
    help: 'Time from the creation of an entry, by the clock of the database, until it is passed to a follower that was up to date; measured for the oldest entry of each batch.',
    labels: {},
    buckets: SECONDS,
  },
  millrace_stream_fallbacks_total: {
    type: 'counter',
    help: 'Reads of the table for a follower that had been up to date but was too slow.',
    labels: {},
  },
  millrace_stream_gaps_total: {
    type: 'counter',
    help: 'Gaps reported to followers.',
    labels: { reason: ['RETENTION', 'RESTORED'] },
  },

  // The bus between servers
  millrace_bus_hints_published_total: {
    type: 'counter',
    help: 'Hints published on the bus.',
    labels: {},
  },
  millrace_bus_hints_received_total: {
    type: 'counter',
    help: 'Hints that reached a listener of this server, counted for each listener.',
    labels: {},
  },
  millrace_bus_hints_failed_total: {
    type: 'counter',
    help: 'Hints that this server lost, because the bus was unavailable, overloaded or refused them. Lost hints cause delays, never a loss of data.',
    labels: {},
  },

  // Calls of services
  millrace_invocations_total: {
    type: 'counter',
    help: 'Calls of services by outcome: a response of the instance (below 500, or 5xx), refused (not found, not allowed, not running), no ready instance, broken off by the instance, timed out, or aborted by the caller. A call passed between servers counts on both.',
    labels: {
      via: ['local', 'sent', 'received'],
      outcome: ['ok', 'error', 'refused', 'unavailable', 'bad_gateway', 'timeout', 'aborted'],
    },
  },
  millrace_invocation_duration_seconds: {
    type: 'histogram',
    help: 'Time from a call of a service until its complete response was passed on.',
    labels: { via: ['local', 'sent', 'received'] },
    buckets: SECONDS,
  },
  millrace_invocations_in_flight: {
    type: 'gauge',
    help: 'Calls of services in progress.',
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
    help: 'Services whose processes this server manages, by the last status that it read.',
    labels: { status: ['STARTING', 'READY', 'SCALING', 'STOPPING', 'STOPPED', 'FAILED'] },
  },
  millrace_service_lease_losses_total: {
    type: 'counter',
    help: 'Services that this server lost: it could not renew the lease in time, or another server has it.',
    labels: {},
  },
  millrace_service_takeovers_total: {
    type: 'counter',
    help: 'Services taken over from a server whose lease had expired.',
    labels: {},
  },
  millrace_autoscale_decisions_total: {
    type: 'counter',
    help: 'Changes of the number of instances by autoscale.',
    labels: { direction: ['up', 'down'] },
  },
  millrace_instance_restarts_total: {
    type: 'counter',
    help: 'Processes of services restarted after an unrequested end.',
    labels: {},
  },

  // Jobs
  millrace_job_moves_total: {
    type: 'counter',
    help: 'Status changes of jobs by this server: submitted or queued again (QUEUED), claimed or asked to end (RUNNING), or ended.',
    labels: { status: ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] },
  },
  millrace_job_lease_losses_total: {
    type: 'counter',
    help: 'Attempts at jobs that this server marked as lost, because the lease of their worker had expired.',
    labels: {},
  },
  millrace_jobs_queued: {
    type: 'gauge',
    help: 'Jobs of all services that wait for a claim; the same on every server, up to ten seconds old.',
    labels: {},
  },
  millrace_jobs_running: {
    type: 'gauge',
    help: 'Jobs of all services that workers hold; the same on every server, up to ten seconds old.',
    labels: {},
  },
  millrace_jobs_oldest_queued_seconds: {
    type: 'gauge',
    help: 'Waiting time of the oldest claimable job of all services; 0 if there is none. The same on every server, up to ten seconds old.',
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
    help: 'Time to store a batch of log lines.',
    labels: {},
    buckets: STATEMENT_SECONDS,
  },
  millrace_retention_removed_rows_total: {
    type: 'counter',
    help: 'Rows that retention removed, by age or by number.',
    labels: { table: ['log_lines', 'events', 'traffic', 'idempotency', 'jobs', 'job_events'] },
  },

  // Database
  millrace_database_connections: {
    type: 'gauge',
    help: 'Connections in the pool, by state.',
    labels: { state: ['busy', 'idle'] },
  },
  millrace_database_waiting: {
    type: 'gauge',
    help: 'Callers that wait for a connection of the pool.',
    labels: {},
  },
  millrace_database_statement_duration_seconds: {
    type: 'histogram',
    help: 'Duration of a statement: named SQL, other SQL of Millrace, SQL of Prisma, or the begin and end of a transaction.',
    labels: { kind: ['named', 'plain', 'prisma', 'transaction'] },
    buckets: STATEMENT_SECONDS,
  },
  millrace_database_transactions_total: {
    type: 'counter',
    help: 'Transactions that were begun.',
    labels: {},
  },
  millrace_database_errors_total: {
    type: 'counter',
    help: 'Failed statements and connection attempts: because the database was unavailable or overloaded (outage), or because of the statement itself (statement).',
    labels: { cause: ['outage', 'statement'] },
  },
} as const satisfies Readonly<Record<string, Definition>>
