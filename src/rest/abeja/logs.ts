import {
  AbejaLogsDocument,
  type AbejaLogsQuery,
  type AbejaLogsQueryVariables,
} from '../../generated/operations/graphql.ts'
import { text } from '../document/about.ts'
import { absent, Problem, wrong } from '../problem.ts'
import { json } from '../reply.ts'
import { route, type Asked } from '../route.ts'
import { about } from './about.ts'
import { SERVICE, service } from './ids.ts'
import { ref } from './schemas.ts'
import { readToken, writeToken, type Token } from './tokens.ts'
import { endTime, startTime } from './times.ts'

/** Lines on a page (contract 5). */
const PAGE = 100

type Line = NonNullable<AbejaLogsQuery['service']>['logs']['nodes'][number]
const event = ({ text: message, at: timestamp }: Line) => ({ message, timestamp })

function logsOf({ service: found }: AbejaLogsQuery, { params }: Asked) {
  if (found === null) throw absent(`There is no service "${params['service']}".`)
  return found.logs
}

/** The parameter, unless it is absent or empty, which the SDK leaves out itself. */
const given = ({ query }: Asked, name: string): string | undefined => query.get(name) || undefined

/** The page that a token, or the first call's times, ask for. */
function asking(asked: Asked, names: readonly Token['way'][]): Token {
  const tokens = names.flatMap((way) => {
    const name = way === 'next' ? 'next_token' : `next_${way}_token`
    const written = given(asked, name)
    if (written === undefined) return []
    const token = readToken(written)
    if (token?.way !== way) throw wrong(name, 'This is not a token of this log.')
    return [token]
  })
  if (tokens.length > 1) throw new Problem('BAD_REQUEST', 'Give one of the tokens, not both.')
  const from = startTime(given(asked, 'start_time'))
  const to = endTime(given(asked, 'end_time'))
  return tokens[0] ?? { way: names[0] ?? 'next', cursor: null, from, to }
}

const variablesOf = (asked: Asked, { way, cursor, from, to }: Token): AbejaLogsQueryVariables => ({
  service: service(asked),
  filter: {
    isUnfinished: false,
    at: from === null && to === null ? null : { from: from ?? BEGINNING, to },
  },
  ...(way === 'backward' ? { last: PAGE, before: cursor } : { first: PAGE, after: cursor }),
})

const BEGINNING = '1970-01-01T00:00:00Z'

const tag = 'Logs'
const times = {
  start_time: text('From this second on: `YYYY-MM-DDTHH:MM:SS`, UTC.'),
  end_time: text('Up to and with this second.'),
}
const failures = { 400: 'A token or a time is wrong.', 404: 'There is no such service.' }

export const logRoutes = [
  route({
    method: 'GET',
    path: `${SERVICE}/recentlogs`,
    about: about({
      id: 'get_service_recent_logs',
      summary: 'The newest lines of the log, and from there both ways',
      tag,
      query: {
        next_backward_token: text('For what is older than a page.'),
        next_forward_token: text('For what is newer than a page.'),
        ...times,
      },
      answer: ref('RecentLogs'),
      failures,
    }),
    operation: AbejaLogsDocument,
    variables: (asked) => variablesOf(asked, asking(asked, ['backward', 'forward'])),
    reply(data, asked) {
      const { nodes, pageInfo } = logsOf(data, asked)
      const { from, to } = asking(asked, ['backward', 'forward'])
      const token = (way: Token['way'], cursor: string | null): string =>
        writeToken({ way, cursor, from, to })
      return json(200, {
        events: nodes.map(event).toReversed(),
        next_backward_token: token('backward', pageInfo.startCursor),
        next_forward_token: token('forward', pageInfo.endCursor),
      })
    },
  }),
  route({
    method: 'GET',
    path: `${SERVICE}/logs`,
    about: about({
      id: 'get_service_logs',
      summary: 'The log from its first line on',
      tag,
      query: { next_token: text('For what follows a page.'), ...times },
      answer: ref('Logs'),
      failures,
    }),
    operation: AbejaLogsDocument,
    variables: (asked) => variablesOf(asked, asking(asked, ['next'])),
    reply(data, asked) {
      const { nodes, pageInfo } = logsOf(data, asked)
      const { from, to } = asking(asked, ['next'])
      const next = pageInfo.hasNextPage
        ? { next_token: writeToken({ way: 'next', cursor: pageInfo.endCursor, from, to }) }
        : {}
      return json(200, { events: nodes.map(event), ...next })
    },
  }),
]
