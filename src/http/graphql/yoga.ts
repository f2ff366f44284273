import { GraphQLError, type DocumentNode } from 'graphql'
import {
  createYoga,
  type Plugin,
  type YogaInitialContext,
  type YogaServerInstance,
} from 'graphql-yoga'
import type { Context } from '../../context.ts'
import { schema } from '../../schema.ts'
import type { Config } from '../../config.ts'
import { streaming } from '../accept.ts'
import { graphiQl, type GraphiQl } from './graphiql.ts'
import type { DocumentCache } from '../../execution/document-cache.ts'
import { documents } from '../../execution/limits/index.ts'
import { sse } from './sse.ts'
import { executeAt, refused, subscribeAt } from '../../execution/operations.ts'
import { assertMeant } from '../../execution/meant.ts'
import { errorCodes } from '../../kit/errors.ts'
import { BODY, cameIn } from '../../execution/json-texts.ts'

/** What the GraphiQL page opens with. */
const GREETING = `# Millrace. Every stream can be followed here and resumed with its cursor.
# A server that asks for a token gets it from the tab "Headers" below: {"authorization": "Bearer …"}
query Services {
  services(first: 10) {
    nodes { id name status ... on ProcessService { invokeUrl } }
  }
}
`

/** Operations run by our own functions, which every door shares. */
const running: Plugin = {
  // the WebSocket and the fast door execute by themselves
  onExecute: ({ setExecuteFn }) => setExecuteFn(executeAt('yoga')),
  onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribeAt('sse')),
}

/**
 * Variables and extensions in a URL or a form that are no JSON are the caller's mistake, as they are in a body. Where
 * variables came from is remembered.
 */
const reading: Plugin = {
  onRequestParse({ requestParser, setRequestParser, serverContext }) {
    if (requestParser === undefined) return
    setRequestParser(async (request) => {
      try {
        const params = await requestParser(request)
        // as it is in a URL by the specification of GraphQL over HTTP, 5.3
        if ('operationName' in params && params.operationName === '') delete params.operationName
        if ('variables' in params) remember(params.variables, request, serverContext)
        return params
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause
        throw new GraphQLError(`\`variables\` and \`extensions\` are JSON: ${cause.message}`, {
          extensions: { code: 'BAD_REQUEST', http: { status: 400, spec: true } },
        })
      }
    })
  },
}

/** Variables are a member of a body that is JSON, and a parameter of a URL or a form. */
function remember(variables: unknown, { method, url, headers }: Request, context: object): void {
  const body = (): string => (BODY in context ? String(context[BODY]) : '')
  const isForm = headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')
  if (method !== 'GET' && !isForm) return cameIn(variables, body, ['variables'])
  const parameters = () =>
    new URLSearchParams(method === 'GET' ? url.slice(url.indexOf('?') + 1) : body())
  cameIn(variables, () => parameters().get('variables') ?? '', [])
}

/** Documents that are refused never become operations, and are counted here. */
const refusing: Plugin<Context> = {
  onParse:
    ({ context }) =>
    ({ result }) => {
      if (result instanceof Error) refused(context.metrics, doorOf(context))
      else if ('params' in context) choose(context, result)
    },
  onValidate:
    ({ context }) =>
    ({ valid }) => {
      if (!valid) refused(context.metrics, doorOf(context))
    },
}

function choose({ metrics, params }: Context & YogaInitialContext, document: DocumentNode): void {
  try {
    assertMeant(document, params.operationName)
  } catch (cause) {
    refused(metrics, 'yoga')
    throw cause
  }
}

/** Whatever Yoga itself finds wrong with a request has a code of ours too. */
const coded: Plugin = {
  onResultProcess({ result }) {
    if (!('errors' in result)) return
    for (const { extensions } of result.errors ?? [])
      if (!errorCodes.some((code) => code === extensions.code)) extensions.code = 'BAD_REQUEST'
  },
}

/** Yoga's own handler adds the request to the context. */
const doorOf = (context: Context): 'yoga' | 'websocket' =>
  'request' in context ? 'yoga' : 'websocket'

/** GraphQL over HTTP and SSE, and the GraphiQL page. */
export function graphqlServer(
  config: Config,
  cache: DocumentCache,
  plugins: readonly Plugin<Context>[] = [],
  page: GraphiQl = graphiQl(),
): YogaServerInstance<Context, object> {
  return createYoga<Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    cors: false,
    logging: false,
    batching: false,
    multipart: false,
    renderGraphiQL: (options) => page.render(options),
    graphiql: config.trustedDocuments === undefined && {
      title: 'Millrace',
      defaultQuery: GREETING,
      // the page sends its headers, and so the token, over SSE; over WebSocket it does not
      subscriptionsProtocol: 'SSE',
    },
    maskedErrors: false, // faults are masked where operations run, on every door alike
    parserAndValidationCache: false, // the cache keeps them, within bounds
    plugins: [documents(cache), reading, running, refusing, streaming, coded, sse, ...plugins],
  })
}
