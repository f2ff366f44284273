import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { callerKey, type Context } from '../context.ts'
import type { Database } from '../db/database.ts'
import { Prisma, type Service } from '../generated/prisma/client.ts'
import { ValidationError, type Issue } from '../kit/errors.ts'
import {
  check,
  draftOf,
  knownSchema,
  namedDraft,
  refusal,
  type Kept,
  type SchemaDraft,
} from '../kit/json-schema/index.ts'
import type { JsonText } from '../kit/json/json.ts'
import { sizeOf } from '../kit/json/size-of.ts'

/** A callable function of a service, with the digests of its schemas. */
export interface StoredFunction {
  readonly name: string
  readonly description: string
  readonly draft: SchemaDraft
  readonly parametersSchemaId: string | null
  readonly resultSchemaId: string | null
}

export interface FunctionInput {
  readonly name?: string | null | undefined
  readonly description?: string | null | undefined
  readonly parametersSchema?: JsonText | null | undefined
  readonly resultSchema?: JsonText | null | undefined
  readonly draft?: SchemaDraft | null | undefined
}

export const MAX_FUNCTIONS = 100
/** A queue has timed out when its workers are silent for so long, unless it says otherwise (contract topchef 5). */
export const TIMEOUT_SECONDS = 30

/** The name of a function: `default`, `model.fit`. */
export const functionNameRule = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,199}$/,
    'A function has 1 to 200 letters, digits, "_", ".", ":", "/" and "-".',
  )

/** The digest that a schema is kept under. */
export const schemaId = (draft: SchemaDraft, text: string): string =>
  createHash('sha256').update(`${draft}\n${text}`).digest('hex')

/**
 * Functions as they are stored, and their schemas. Throws ValidationError for what is no schema that may be kept, and
 * Unavailable when too many checks wait.
 */
export async function readFunctions(
  ctx: Context,
  inputs: readonly FunctionInput[],
  path: readonly string[],
): Promise<{ functions: StoredFunction[]; schemas: Kept[] }> {
  const issues: Issue[] = []
  const schemas: Kept[] = []
  const keep = async (
    json: JsonText | null | undefined,
    asked: SchemaDraft | null | undefined,
    at: readonly string[],
  ): Promise<string | null> => {
    if (json === null || json === undefined) return null
    const { text } = json
    const draft = draftOf(asked, json.value)
    const why = await refusal(draft, text, checkerOf(ctx))
    if (why !== undefined) issues.push({ path: at, message: why, rule: 'schema' })
    if (draft === undefined) return null
    const id = schemaId(draft, text)
    schemas.push({ id, draft, text })
    return id
  }
  const functions: StoredFunction[] = []
  for (const [place, one] of inputs.entries()) {
    const at = [...path, String(place)]
    const { draft, parametersSchema, resultSchema } = one
    functions.push({
      name: one.name ?? 'default',
      description: one.description ?? '',
      draft:
        draft ??
        namedDraft(parametersSchema?.value) ??
        namedDraft(resultSchema?.value) ??
        'DRAFT_2020_12',
      parametersSchemaId: await keep(parametersSchema, draft, [...at, 'parametersSchema']),
      resultSchemaId: await keep(resultSchema, draft, [...at, 'resultSchema']),
    })
  }
  if (issues.length > 0) throw new ValidationError(issues)
  return { functions, schemas }
}

/** Keeps schemas under their digests, each once. */
export async function keepSchemas(database: Database, schemas: readonly Kept[]): Promise<void> {
  if (schemas.length === 0) return
  await database.query(Prisma.sql`
    INSERT INTO "JsonSchema" (id, draft, text)
    SELECT DISTINCT ON (s.id) s.* FROM unnest(${schemas.map(({ id }) => id)}::text[],
      ${schemas.map(({ draft }) => draft)}::text[], ${schemas.map(({ text }) => text)}::text[]) AS s(id, draft, text)
    ON CONFLICT (id) DO NOTHING`)
}

/** The functions of a queue; any other kind of service has the one it is called by. */
export const functionsOf = ({
  kind,
  functions,
}: Pick<Service, 'kind' | 'functions'>): readonly StoredFunction[] =>
  kind === 'QUEUE' ? ((functions ?? []) as unknown as StoredFunction[]) : [] // the column holds what readFunctions made

const schemasById = (database: Database, ids: readonly string[]): Promise<Kept[]> =>
  database.read(
    Prisma.sql`SELECT id, draft, text FROM "JsonSchema" WHERE id = ANY(${[...ids]}::text[])`,
    'schemas-by-id',
  )

/** Characters of schemas whose texts are at hand. They never change: each is kept under the digest of its text. */
const MAX_AT_HAND = 8 * 1024 * 1024
const atHand = new LRUCache<string, string>({
  maxSize: MAX_AT_HAND,
  sizeCalculation: ({ length }) => length,
})

/** The texts of kept schemas by their ids; read once, while they are in use. */
export async function schemaTexts(
  database: Database,
  ids: readonly string[],
): Promise<{ id: string; text: string }[]> {
  const known = ids.flatMap((id) => {
    const text = atHand.get(id)
    return text === undefined ? [] : [{ id, text }]
  })
  const missing = ids.filter((id) => !atHand.has(id))
  const read = missing.length === 0 ? [] : await schemasById(database, missing)
  for (const { id, text } of read) atHand.set(id, text)
  return [...known, ...read]
}

/**
 * What is wrong with a JSON text by a kept schema, which is read once, while it is in use. Throws Unavailable when too
 * many checks wait.
 */
export async function issuesBy(ctx: Context, id: string, text: string): Promise<readonly Issue[]> {
  const [schema] = [knownSchema(id) ?? (await schemasById(ctx.database, [id]))].flat()
  if (schema === undefined) throw new Error(`The JSON Schema ${id} is gone.`)
  return checked(ctx, schema, text)
}

/** The same by a schema that is at hand. What it tells counts among what the operation holds. */
export async function checked(ctx: Context, schema: Kept, text: string): Promise<readonly Issue[]> {
  const issues = await check(schema, text, checkerOf(ctx))
  // in an error they stand twice: its message tells them too
  if (issues.length > 0) ctx.operation.take(2 * sizeOf(issues))
  return issues
}

/** Who waits for a check. */
export const checkerOf = (ctx: Context) => ({ key: callerKey(ctx), operation: ctx.operation })
