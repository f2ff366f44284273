/** One variable as it is kept. */
export interface Variable {
  readonly name: string
  readonly value: string
  readonly isSecret: boolean
}

/** A change to one variable: a null value removes it. */
export interface VariableInput {
  readonly name: string
  readonly value?: string | null | undefined
  readonly isSecret?: boolean | null | undefined
}

/** Variables after a change, in the order they were first given. */
export function withVariables(
  kept: readonly Variable[],
  changes: readonly VariableInput[] | null | undefined,
): Variable[] {
  const variables = new Map(kept.map((variable) => [variable.name, variable]))
  for (const { name, value, isSecret } of changes ?? []) {
    if (value === null || value === undefined) variables.delete(name)
    else variables.set(name, { name, value, isSecret: isSecret ?? false })
  }
  return [...variables.values()]
}

/** What two sets of variables differ in, with secrets masked: for events and the audit. */
export function variableChanges(
  before: readonly Variable[],
  after: readonly Variable[],
): { field: string; from?: string; to?: string }[] {
  const show = ({ value, isSecret }: Variable): string => (isSecret ? '***' : value)
  const names = new Set([...before, ...after].map(({ name }) => name))
  return [...names].flatMap((name) => {
    const was = before.find((one) => one.name === name)
    const is = after.find((one) => one.name === name)
    if (was?.value === is?.value && was?.isSecret === is?.isSecret) return []
    return [
      {
        field: `environment.${name}`,
        ...(was ? { from: show(was) } : {}),
        ...(is ? { to: show(is) } : {}),
      },
    ]
  })
}
