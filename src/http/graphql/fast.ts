import type { IncomingHttpHeaders } from 'node:http'
import { getOperationAST, OperationTypeNode } from 'graphql'
import { processRegularResult, type FetchAPI } from 'graphql-yoga'
import type { Context } from '../../context.ts'
import { schema } from '../../schema.ts'
import type { DocumentCache } from '../../execution/document-cache.ts'
import { executeAt } from '../../execution/operations.ts'
import { cameIn } from '../../execution/json-texts.ts'
import { mustHave } from '../../kit/patch.ts'
import { nameIn, type KnownDocuments } from '../../execution/known-documents.ts'

/** An answer that is whole before the first byte of it goes out. */
interface FastAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** Answers a POST, or leaves it to Yoga by answering undefined, before anything was done. */
export type FastDoor = (
  headers: IncomingHttpHeaders,
  body: Buffer,
  ctx: Context,
) => Promise<FastAnswer | undefined>

const execute = executeAt('fast')

/**
 * The way of plain requests: JSON in, JSON out, and a document that Yoga has parsed and found valid before. They are
 * executed as on every other door (`run.ts`), but without Yoga's request and response objects and without its plugins,
 * which cost more than most operations and have nothing to do for what is known to be valid. Whatever is odd about a
 * request is Yoga's to answer, so that this door refuses nothing by itself.
 */
export function fastDoor(cache: DocumentCache, known: KnownDocuments): FastDoor {
  return async (headers, body, ctx) => {
    const mediaType = mediaTypeFor(headers.accept)
    if (mediaType === undefined || !isPlainJson(headers)) return undefined
    const params = paramsIn(body, known)
    if (params === undefined) return undefined
    const { query, operationName, variables } = params
    const document = cache.valid(query)
    if (document === undefined) return undefined
    const operation = getOperationAST(document, operationName)
    if (operation == null || operation.operation === OperationTypeNode.SUBSCRIPTION)
      return undefined
    const result = await execute({
      schema,
      document,
      contextValue: ctx,
      variableValues: variables,
      operationName,
    })
    return written(result, mediaType)
  }
}

type MediaType = 'application/json' | 'application/graphql-response+json'

/** What Yoga answers those in that it may answer in JSON: the first it knows, and JSON where either would do. */
function mediaTypeFor(accept: string | undefined): MediaType | undefined {
  if (accept === undefined || accept === '*/*') return 'application/json'
  for (const range of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';')
    const charset = parameters.find((parameter) => parameter.includes('charset='))
    if (charset !== undefined && charset !== 'charset=utf-8') continue
    if (type === 'application/graphql-response+json') return type
    if (type === 'application/json' || type === 'application/*' || type === '*/*')
      return 'application/json'
  }
  return undefined
}

const isPlainJson = ({
  'content-type': type = '',
  'content-encoding': encoding,
}: IncomingHttpHeaders): boolean =>
  encoding === undefined &&
  (type === 'application/json' || /^application\/json(;\s*charset=utf-8)?$/i.test(type))

interface Params {
  readonly query: string
  readonly operationName?: string | null
  readonly variables?: Record<string, unknown> | null
}

const NAMES = new Set(['query', 'documentId', 'operationName', 'variables', 'extensions'])

/** The request in a body, if nothing is odd about it. */
function paramsIn(body: Buffer, known: KnownDocuments): Params | undefined {
  if (body[0] !== 0x7b) return undefined // "{": neither a list nor a byte order mark
  const text = body.toString('utf8')
  const params = parsed(text)
  if (params === undefined) return undefined
  const { operationName, variables, extensions } = params
  const name = nameIn(params)
  const query = name === undefined ? params.query : known.named(name)
  if (typeof query !== 'string') return undefined
  if (operationName != null && typeof operationName !== 'string') return undefined
  if (!isMap(variables) || !isMap(extensions)) return undefined
  if (!Object.keys(params).every((name) => NAMES.has(name))) return undefined
  cameIn(variables, text, ['variables'])
  return { query, operationName, variables }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown> // it begins with "{"
  } catch {
    return undefined // Yoga says what is wrong with it
  }
}

const isMap = (value: unknown): value is Record<string, unknown> | null | undefined =>
  value == null || (typeof value === 'object' && !Array.isArray(value))

/** Takes what a response would be made of. */
class Taken implements FastAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
  constructor(body: string, { status, headers }: Omit<FastAnswer, 'body'>) {
    this.body = body
    this.status = status
    this.headers = headers
  }
}

/** The result as Yoga writes it. Of the whole fetch API it makes use of the class of responses. */
function written(result: object, mediaType: MediaType): FastAnswer {
  const fetchApi = { Response: Taken } as unknown as FetchAPI
  return processRegularResult(result, fetchApi, mediaType) as unknown as FastAnswer
}

const answer = written({ data: null }, 'application/json')
mustHave('graphql-yoga', 'processRegularResult that makes a Response', answer instanceof Taken)
mustHave(
  'graphql-yoga',
  'processRegularResult with a text for a body',
  typeof answer.body === 'string',
)
