import { ValidationError } from '../kit/errors.ts'
import { nameRule } from '../kit/names.ts'

/** What the input of a new service must hold. */
export function given<Value>(value: Value | null | undefined, path: readonly string[]): Value {
  if (value != null) return value
  throw new ValidationError([
    { path, message: 'This is needed to make such a service.', rule: 'required' },
  ])
}

/** Throws ValidationError for a name that none but a queue may have: blank, or longer than any of ours. */
export function refuseOddName(name: string | null | undefined): void {
  const { error } = nameRule.nullish().safeParse(name)
  const [issue] = error?.issues ?? []
  if (issue) throw new ValidationError([{ path: ['name'], message: issue.message }])
}
