import type { FieldMap, InputFieldMap, InputShapeFromFields, ObjectRef } from '@pothos/core'
import type { GraphQLInputType, GraphQLResolveInfo } from 'graphql'
import type { z } from 'zod'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import {
  Ambiguous,
  Conflict,
  Forbidden,
  NotFound,
  ValidationError,
  type DomainError,
} from '../kit/errors.ts'
import { once, type Again, type KeyedMutation } from '../idempotency/index.ts'
import { requireCredential, type Viewer } from '../auth/viewer.ts'
import { asViolation } from './ambiguous.ts'
import { askedIn, type AskedFields } from './look-ahead.ts'
import { allowAsked, allowAskedIn } from './workers.ts'

type Types = typeof builder.$inferSchemaTypes
type Builder = PothosSchemaTypes.SchemaBuilder<Types>
type InputFields<Fields> = (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => Fields
type SuccessFields<Success> = (
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Success>,
) => ReturnType<NonNullable<Parameters<Builder['objectType']>[1]['fields']>>
type ErrorClass = new (...args: never[]) => DomainError

/**
 * Does something as whoever a public mutation has found to act, once where there is an idempotency key; `asked` is
 * what makes two of that person's calls the same one.
 */
export type OnceAs = <Success extends object>(
  acting: Context,
  asked: unknown,
  run: (ctx: Context) => Promise<Success>,
) => Promise<Success>

/**
 * Throws Forbidden where that viewer is only a WORKER in the organization, and more is asked for than it may read there.
 * To be called before there is an effect.
 */
export type AllowAskedIn = (viewer: Viewer, organizationId: string) => void

/** Who asks, of requests in which the answer of a public mutation is read as whoever acted in it. */
const askers = new WeakMap<Context, Viewer>()

/** Successes that are the answer of an earlier call. */
const replays = new WeakSet<object>()

const keyRule = /^[^\p{C}\p{Z}]{1,200}$/u

/**
 * Defines a mutation: one `input`, and a union of its success and the errors it expects. ValidationError,
 * Forbidden, NotFound and Conflict belong to every one, and so do `idempotencyKey` and `replayed`. `check` holds what
 * the types of the input cannot say; all its violations are answered at once, before `resolve` runs. `again` says
 * how the answer is had when the effect is there already. Write `resolve` before `success`, whose parent it types.
 */
export function mutation<Fields extends InputFieldMap, Success extends object>(
  name: string,
  options: {
    description: string
    input: InputFields<Fields>
    check?: z.ZodType
    errors?: readonly ErrorClass[]
    /** Whoever brings no credential may call it too; `resolve` finds out who acts, and goes on with `onceAs`. */
    isPublic?: boolean
    /** `asked` is what the caller asks for of all that may be answered; `allowIn` sees to it that it may be. */
    resolve: (
      ctx: Context,
      input: InputShapeFromFields<Fields>,
      onceAs: OnceAs,
      asked: AskedFields,
      allowIn: AllowAskedIn,
    ) => Promise<Success>
    again: Again<NoInfer<Success>>
    /** Makes good again what has run out in an answer that is repeated. */
    refresh?: (ctx: Context, success: NoInfer<Success>) => Promise<NoInfer<Success>>
    success: SuccessFields<Success>
  },
): void {
  const Name = name.charAt(0).toUpperCase() + name.slice(1)
  const input = builder.inputType(`${Name}Input`, {
    description: `Arguments of \`${name}\`.`,
    fields: (t) => ({
      ...options.input(t),
      idempotencyKey: t.string({
        description:
          'Idempotency key: 1 to 200 visible characters. Calls by the same caller with the same key and the same input are executed once and return the same result for 24 hours. The same key with another input returns Conflict.',
      }),
    }),
  })
  const success = builder.objectRef<Success>(`${Name}Success`).implement({
    description: `Result of \`${name}\` when it succeeds.`,
    fields: (t) => ({
      ...options.success(t),
      replayed: t.boolean({
        description:
          'Whether this is the stored result of an earlier call with the same idempotency key.',
        resolve: (parent) => replays.has(parent),
      }),
    }),
  })
  const errors = [
    ...new Set([ValidationError, Forbidden, NotFound, Conflict, ...(options.errors ?? [])]),
  ]
  builder.mutationField(name, (t) =>
    t.field({
      type: success,
      description: options.description,
      args: {
        input: t.arg({ type: input, required: true, description: 'Arguments of the mutation.' }),
      },
      errors: {
        types: errors,
        directResult: true,
        union: {
          name: `${Name}Result`,
          description: `Result of \`${name}\`: success, or one of the errors it can return.`,
        },
      },
      resolve: (async (
        _root: unknown,
        args: { input: InputShapeFromFields<Fields> & { idempotencyKey?: string | null } },
        ctx: Context,
        info: GraphQLResolveInfo,
      ) => {
        ctx.operation.check()
        ctx.viewer = askers.get(ctx) ?? ctx.viewer // mutations follow each other, answers included
        if (options.isPublic !== true) {
          requireCredential(ctx.viewer)
          allowAsked(ctx.viewer, info)
        }
        const { idempotencyKey: key, ...rest } = args.input
        const input = rest as unknown as InputShapeFromFields<Fields> // all but what was added above
        if (options.check) holds(options.check, input)
        if (key !== null && key !== undefined && !keyRule.test(key)) throw badKey
        const { again, refresh } = options
        const onceAs: OnceAs = async <Made extends object>(
          acting: Context,
          asked: unknown,
          run: (inner: Context) => Promise<Made>,
        ) => {
          if (acting.viewer !== ctx.viewer) allowAsked(acting.viewer, info)
          const done = async (): Promise<Made> => {
            if (key === null || key === undefined) return run(acting)
            const keyed = { name, key, input: asked, errors, run, again, refresh }
            // whatever runs under the name of this mutation answers as it does
            const own = keyed as unknown as KeyedMutation<Made>
            const { success: answer, isReplay } = await once(acting, own)
            if (isReplay) replays.add(answer)
            return answer
          }
          const answer = await done()
          if (acting.viewer !== ctx.viewer) {
            askers.set(ctx, ctx.viewer)
            ctx.viewer = acting.viewer
          }
          return answer
        }
        const asked = askedIn(info)
        const allowIn: AllowAskedIn = (viewer, organizationId) =>
          allowAskedIn(viewer, info, organizationId)
        // what has begun is done to its end, whatever becomes of the answer
        const done = ctx.operation.act(() =>
          options.isPublic
            ? options.resolve(ctx, input, onceAs, asked, allowIn)
            : onceAs(ctx, input, (inner) => options.resolve(inner, input, onceAs, asked, allowIn)),
        )
        // nothing was done, so it is kept as the answer of no key
        return done.catch((cause: unknown) => {
          throw cause instanceof Ambiguous ? asViolation(cause, inputOf(info), args.input) : cause
        })
      }) as never,
    }),
  )
}

/** The field of a success that shows the object which the success has under its name, with a description. */
export const shows =
  <Name extends string, Row>(name: Name, type: ObjectRef<Types, Row>) =>
  (description: string) =>
  (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Readonly<Record<Name, Row>>>): FieldMap => ({
    [name]: t.field({ type, description, resolve: (success) => success[name] as never }),
  })

/** The type of a mutation's only argument. */
function inputOf({ parentType, fieldName }: GraphQLResolveInfo): GraphQLInputType {
  const [argument] = parentType.getFields()[fieldName]?.args ?? []
  if (argument === undefined) throw new Error('A mutation without an input has been called.')
  return argument.type
}

const badKey = new ValidationError([
  {
    path: ['idempotencyKey'],
    message: 'A key has 1 to 200 visible characters, such as a UUID.',
    rule: 'pattern',
  },
])

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
