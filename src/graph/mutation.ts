import type { InputFieldMap, InputShapeFromFields } from '@pothos/core'
import type { z } from 'zod'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { Forbidden, NotFound, ValidationError, type DomainError } from '../kit/errors.ts'
import { requireCredential } from '../auth/viewer.ts'

type Types = typeof builder.$inferSchemaTypes
type Builder = PothosSchemaTypes.SchemaBuilder<Types>
type InputFields<Fields> = (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => Fields
type SuccessFields<Success> = (
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Success>,
) => ReturnType<NonNullable<Parameters<Builder['objectType']>[1]['fields']>>
type ErrorClass = new (...args: never[]) => DomainError

/**
 * Defines a mutation: one `input`, and a union of its success and the errors it expects. ValidationError,
 * Forbidden and NotFound belong to every one. `check` holds what the types of the input cannot say; all its
 * violations are answered at once, before `resolve` runs. Write `resolve` before `success`, whose parent it types.
 */
export function mutation<Fields extends InputFieldMap, Success extends object>(
  name: string,
  options: {
    description: string
    input: InputFields<Fields>
    check?: z.ZodType
    errors?: readonly ErrorClass[]
    resolve: (ctx: Context, input: InputShapeFromFields<Fields>) => Promise<Success>
    success: SuccessFields<Success>
  },
): void {
  const Name = name.charAt(0).toUpperCase() + name.slice(1)
  const input = builder.inputType(`${Name}Input`, {
    description: `Input of ${name}.`,
    fields: options.input,
  })
  const success = builder
    .objectRef<Success>(`${Name}Success`)
    .implement({ description: `What ${name} answers when it is done.`, fields: options.success })
  builder.mutationField(name, (t) =>
    t.field({
      type: success,
      description: options.description,
      args: { input: t.arg({ type: input, required: true, description: 'What to do.' }) },
      errors: {
        types: [ValidationError, Forbidden, NotFound, ...(options.errors ?? [])] as never,
        directResult: true,
        union: { name: `${Name}Result`, description: `What ${name} answers.` },
      },
      resolve: (async (
        _root: unknown,
        args: { input: InputShapeFromFields<Fields> },
        ctx: Context,
      ) => {
        requireCredential(ctx.viewer)
        if (options.check) holds(options.check, args.input)
        return options.resolve(ctx, args.input)
      }) as never,
    }),
  )
}

/** Throws ValidationError with every violation. */
function holds(rule: z.ZodType, input: unknown): void {
  const { error } = rule.safeParse(input)
  if (error === undefined) return
  throw new ValidationError(
    error.issues.map(({ path, message, code }) => ({
      path: path.map(String),
      message,
      rule: code,
    })),
  )
}
