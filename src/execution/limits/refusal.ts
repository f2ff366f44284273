import { GraphQLError, type GraphQLErrorExtensions } from 'graphql'

/** What a request is told that asks for more than one request may. */
export const tooComplex = (message: string, more: GraphQLErrorExtensions = {}): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'TOO_COMPLEX', ...more } })
