import { getOperationAST, GraphQLError, Kind, type DocumentNode } from 'graphql'

/** How many names of operations an error tells, and how much of one. */
const TOLD = 10
const SHOWN = 100

/**
 * Throws where a request does not say which operation of a document it means: 400 over HTTP, as what it says cannot be
 * carried out. An empty name is none, in a body as in a URL (GraphQL over HTTP, 5.3).
 */
export function assertMeant(document: DocumentNode, name: unknown): void {
  if (typeof name !== 'string' && name != null) throw refused('`operationName` is a text.')
  if (getOperationAST(document, name || null) != null) return
  const names = document.definitions.flatMap((one) =>
    one.kind === Kind.OPERATION_DEFINITION ? [JSON.stringify(one.name?.value ?? '')] : [],
  )
  if (names.length === 0) throw refused('The document has no operation.')
  const shown = names.slice(0, TOLD).join(', ') + (names.length > TOLD ? ' …' : '')
  throw refused(
    name
      ? `The document has no operation ${JSON.stringify(name.slice(0, SHOWN))}, but ${shown}.`
      : `The document has several operations: give one of ${shown} as \`operationName\`.`,
  )
}

const refused = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
