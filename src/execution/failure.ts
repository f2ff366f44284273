import { GraphQLError, type ExecutionResult } from 'graphql'
import { outlookOf } from '../kit/outlook.ts'

/**
 * Why a result must not be delivered, or undefined when it may. A field that the viewer's role refuses is null, as it
 * is in the answer to a query; anything else that is missing is missing for another reason, so that the cursor must not
 * move past it.
 */
export function failureIn({ data, errors }: ExecutionResult): GraphQLError | undefined {
  const isWhole = data != null && !Object.values(data).includes(null)
  if (errors === undefined) return isWhole ? undefined : nothing()
  const failures = isWhole ? errors.filter((error) => !isRefused(error)) : errors
  const failed = (outlook: string): GraphQLError | undefined =>
    failures.find(({ extensions }) => outlookOf(extensions['code']) === outlook)
  // while something is away, whatever else is wrong may come of it
  return failed('passes') ?? failed('stays') ?? failures[0]
}

const nothing = (): GraphQLError =>
  new GraphQLError('Nothing was delivered.', { extensions: { code: 'INTERNAL' } })

const isRefused = ({ extensions: { code } }: GraphQLError): boolean =>
  code === 'FORBIDDEN' || code === 'UNAUTHENTICATED'
