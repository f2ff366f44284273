import type { Front } from '../protocol.ts'
import type { Route } from '../route.ts'
import { securityOf } from './security.ts'
import type { Dialect, Schema } from './about.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The API document of a front, written from its routes in the version that its old system had: OpenAPI 3.1 or 3.0
 * (https://spec.openapis.org/oas/), or Swagger 2.0. `base` is where the front was reached.
 */
export function apiDocument({ api, routes }: Front, base: string): Json {
  const { dialect, title, description, version, schemas } = api
  const isOld = dialect === '2.0'
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = documented(route.path)
    paths[path] = {
      ...paths[path],
      [route.method.toLowerCase()]: operation(route, api.failure, dialect),
    }
  }
  const written = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, schemaIn(dialect, schema)]),
  )
  const { requirement, schemes } = securityOf(api.security, dialect)
  const url = new URL(base)
  return {
    ...(isOld ? { swagger: dialect } : { openapi: dialect }),
    info: { title, description, version },
    ...(isOld
      ? { host: url.host, basePath: url.pathname, schemes: [url.protocol.replace(':', '')] }
      : { servers: [{ url: base }] }),
    tags: [...new Set(routes.map(({ about }) => about.tag))].map((name) => ({ name })),
    paths,
    security: requirement,
    ...(isOld
      ? { definitions: written, securityDefinitions: schemes }
      : { components: { schemas: written, securitySchemes: schemes } }),
  }
}

/** `/services/:service` as documents write it: `/services/{service}`. */
export const documented = (path: string): string =>
  path.replaceAll(/:(\w+)(\([^)]*\))?/g, (_part, name: string) => `{${name}}`)

function operation({ path, about }: Route, failure: string, dialect: Dialect): Json {
  const isOld = dialect === '2.0'
  const { body, answer, query = {}, failures, status = 200 } = about
  const typed = (schema: Schema): Json => {
    const { description: _said, ...rest } = schema
    return isOld ? schemaIn(dialect, rest) : { schema: schemaIn(dialect, rest) }
  }
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
      name,
      in: 'path',
      required: true,
      ...typed({ type: 'string' }),
    })),
    ...Object.entries(query).map(([name, schema]) => ({
      name,
      in: 'query',
      ...(schema.description === undefined ? {} : { description: schema.description }),
      ...typed(schema),
    })),
    ...(isOld && body !== undefined
      ? [
          {
            name: 'body',
            in: 'body',
            required: !about.isBodyOptional,
            schema: content(dialect, body),
          },
        ]
      : []),
  ]
  const media = (schema: Schema | 'bytes'): Json =>
    isOld
      ? { schema: content(dialect, schema) }
      : { content: { [mediaType(schema)]: { schema: content(dialect, schema) } } }
  const responses = Object.fromEntries([
    [String(status), { description: 'Done.', ...media(answer) }],
    ...Object.entries(failures).map(([code, why]) => [
      code,
      { description: why, ...media({ $ref: `#/schemas/${failure}` }) },
    ]),
  ]) as Json
  return {
    operationId: about.id,
    summary: about.summary,
    tags: [about.tag],
    ...(isOld ? { consumes: [mediaType(body ?? {})], produces: [mediaType(answer)] } : {}),
    parameters,
    ...(isOld || body === undefined
      ? {}
      : { requestBody: { required: !about.isBodyOptional, ...media(body) } }),
    responses,
  }
}

const mediaType = (schema: Schema | 'bytes'): string =>
  schema === 'bytes' ? 'application/octet-stream' : 'application/json'

const content = (dialect: Dialect, schema: Schema | 'bytes'): Json =>
  schema === 'bytes'
    ? dialect === '3.1.0'
      ? {}
      : { type: 'string', format: 'binary' }
    : schemaIn(dialect, schema)

/** A schema in the words of a version: where `null` is no type, it is a keyword, or in Swagger an extension. */
function schemaIn(dialect: Dialect, schema: Schema): Json {
  const { type, properties, items, additionalProperties, $ref, example, ...rest } = schema
  if ($ref !== undefined)
    return {
      $ref: $ref.replace(
        '#/schemas/',
        dialect === '2.0' ? '#/definitions/' : '#/components/schemas/',
      ),
    }
  const types = type === undefined ? [] : [type].flat()
  const isNullable = types.length > 1 && types.includes('null')
  const only = types.filter((one) => one !== 'null')
  const nested = (one: Schema): Json => schemaIn(dialect, one)
  return {
    ...(types.length === 0
      ? {}
      : dialect === '3.1.0'
        ? { type: types.length === 1 ? types[0] : types }
        : {
            type: only[0],
            ...(isNullable ? { [dialect === '2.0' ? 'x-nullable' : 'nullable']: true } : {}),
          }),
    ...rest,
    ...(example === undefined ? {} : dialect === '3.1.0' ? { examples: [example] } : { example }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, one]) => [name, nested(one)]),
          ),
        }),
    ...(items === undefined ? {} : { items: nested(items) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean'
              ? additionalProperties
              : nested(additionalProperties),
        }),
  }
}
