import { z } from 'zod'
import { builder } from '../../builder.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../context.ts'
import type { CorsPolicy } from '../../kit/http/cors.ts'
import { ServiceId } from '../service.ts'

/*
 * Which pages of other origins may call a service from a browser (the CORS protocol of the Fetch standard). The policy
 * lets the page ask and read; who it asks as is a matter of the credential, as for every other caller.
 */

const MAX_ENTRIES = 100
const MAX_AGE_SECONDS = 86_400
const AGE_SECONDS = 600

/** As it is given. */
export interface CorsInput {
  readonly origins: readonly string[]
  readonly methods?: readonly string[] | null | undefined
  readonly headers?: readonly string[] | null | undefined
  readonly exposedHeaders?: readonly string[] | null | undefined
  readonly maxAgeSeconds?: number | null | undefined
}

export const CorsPolicyInput = builder.inputType('CorsPolicyInput', {
  description:
    'Pages of other origins that may call a service from a browser. Replaces the whole policy.',
  fields: (t) => ({
    origins: t.stringList({
      required: true,
      description: `Allowed origins, as browsers write them: \`https://app.example.com\` or \`http://localhost:5173\`, or \`*\` for every origin. 1 to ${MAX_ENTRIES}.`,
    }),
    methods: t.stringList({ description: 'Allowed HTTP methods. Default: all.' }),
    headers: t.stringList({
      description:
        'Allowed request headers beside those that CORS always allows. `authorization` needs to be listed. Default: all, including `authorization`.',
    }),
    exposedHeaders: t.stringList({
      description: 'Response headers that the pages may read. Default: all.',
    }),
    maxAgeSeconds: t.int({
      description: `Seconds for which a browser may cache the policy. Range: 0 to ${MAX_AGE_SECONDS}. Default: ${AGE_SECONDS}.`,
    }),
  }),
})

export const CorsPolicyType = builder.objectRef<CorsPolicy>('CorsPolicy').implement({
  description:
    'Pages of other origins that may call a service from a browser (CORS protocol of the Fetch standard). They need a credential in a header like every other caller.',
  fields: (t) => ({
    origins: t.field({
      type: ['String'],
      description: 'Allowed origins. `*` stands for every origin.',
      resolve: ({ origins }) => [...origins],
    }),
    methods: t.field({
      type: ['String'],
      nullable: true,
      description: 'Allowed HTTP methods. Null: all.',
      resolve: ({ methods }) => methods && [...methods],
    }),
    headers: t.field({
      type: ['String'],
      nullable: true,
      description: 'Allowed request headers. Null: all.',
      resolve: ({ headers }) => headers && [...headers],
    }),
    exposedHeaders: t.field({
      type: ['String'],
      nullable: true,
      description: 'Response headers that the pages may read. Null: all.',
      resolve: ({ exposedHeaders }) => exposedHeaders && [...exposedHeaders],
    }),
    maxAgeSeconds: t.exposeInt('maxAgeSeconds', {
      description: 'Seconds for which a browser may cache the policy.',
    }),
  }),
})

const tokens = z
  .array(z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'A name of a method or a header field.'))
  .max(MAX_ENTRIES, `At most ${MAX_ENTRIES}.`)
  .nullish()

export const corsRule = z
  .object({
    origins: z
      .array(
        z
          .string()
          .max(300, 'At most 300 characters.')
          .refine((text) => text === '*' || originIn(text) !== undefined, {
            message: 'An origin is scheme, host and port, as in "https://app.example.com", or "*".',
          }),
      )
      .min(1, 'At least one origin; null for no policy.')
      .max(MAX_ENTRIES, `At most ${MAX_ENTRIES} origins.`),
    methods: tokens,
    headers: tokens,
    exposedHeaders: tokens,
    maxAgeSeconds: z
      .int('A whole number.')
      .min(0, 'At least 0.')
      .max(MAX_AGE_SECONDS, `At most ${MAX_AGE_SECONDS}: browsers keep it no longer.`)
      .nullish(),
  })
  .nullish()

/** The origin that a text is, as browsers write it; undefined where it is none, or more than one. */
function originIn(text: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(text) || !URL.canParse(text)) return undefined
  const { origin, protocol, host } = new URL(text)
  return origin === 'null' ? `${protocol}//${host.toLowerCase()}` : origin
}

/** The policy that was given, as it is stored. */
export const policyOf = (given: CorsInput): CorsPolicy => ({
  origins: [...new Set(given.origins.map((text) => originIn(text) ?? text))],
  methods: given.methods?.map((method) => method.toUpperCase()) ?? null,
  headers: given.headers?.map((name) => name.toLowerCase()) ?? null,
  exposedHeaders: given.exposedHeaders?.map((name) => name.toLowerCase()) ?? null,
  maxAgeSeconds: given.maxAgeSeconds ?? AGE_SECONDS,
})

/** A policy as a value of the column. */
export const corsColumn = (policy: CorsPolicy | null): Prisma.Sql =>
  policy === null ? Prisma.sql`NULL` : Prisma.sql`${JSON.stringify(policy)}::jsonb`

/** The policy of a service, whoever asks; undefined where it has none or is not there. */
export async function corsOf(
  { database }: Pick<Context, 'database'>,
  id: string,
): Promise<CorsPolicy | undefined> {
  const serviceId = ServiceId.read(id)
  if (serviceId === undefined) return undefined
  const [row] = await database.read<{ cors: CorsPolicy | null }>(
    Prisma.sql`SELECT cors FROM "Service" WHERE id = ${serviceId}::uuid AND "deletedAt" IS NULL`,
    'service-cors',
  )
  return row?.cors ?? undefined
}
