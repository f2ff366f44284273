import type { GraphQLError } from 'graphql'
import type { Viewer } from '../../auth/viewer.ts'
import { reworded } from '../mask.ts'
import { hintFor } from '../renamed.ts'

/**
 * The error as this viewer may see it, with what to do where it comes of a name of an earlier version. "Did you mean …"
 * tells names of the schema, which whoever has no credential cannot ask for either.
 */
export function forViewer(viewer: Viewer, error: GraphQLError): GraphQLError {
  const hint = hintFor(error, viewer.kind !== 'anonymous')
  if (hint !== undefined) return reworded(error, `${withoutSuggestion(error)} ${hint}`)
  if (viewer.kind !== 'anonymous' || !error.message.includes(SUGGESTION)) return error
  return reworded(error, withoutSuggestion(error))
}

const SUGGESTION = ' Did you mean '

// what the caller wrote stands before the suggestion, so the last one is GraphQL's own
function withoutSuggestion({ message }: GraphQLError): string {
  const place = message.lastIndexOf(SUGGESTION)
  return place < 0 ? message : message.slice(0, place)
}
