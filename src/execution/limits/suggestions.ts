import { GraphQLError } from 'graphql'
import type { Viewer } from '../../auth/viewer.ts'

/**
 * The error as this viewer may see it. "Did you mean …" tells names of the schema, which whoever has no credential
 * cannot ask for either.
 */
export function forViewer(viewer: Viewer, error: GraphQLError): GraphQLError {
  if (viewer.kind !== 'anonymous' || !error.message.includes(' Did you mean ')) return error
  const { nodes, source, positions, path, extensions } = error
  // what the caller wrote stands before the suggestion, so the last one is GraphQL's own
  const message = error.message.slice(0, error.message.lastIndexOf(' Did you mean '))
  return new GraphQLError(message, { nodes, source, positions, path, extensions })
}
