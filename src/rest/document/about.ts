/** A JSON Schema as OpenAPI 3.1 has it; older versions are made from it. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly example?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  /** `#/schemas/<name>`: one of the front's own. */
  readonly $ref?: string
}

/** What readers are told of a route. */
export interface RouteAbout {
  /** Unique in its front: what the old clients call it. */
  readonly id: string
  readonly summary: string
  readonly tag: string
  readonly query?: Readonly<Record<string, Schema>>
  /** The JSON body, or the bytes that go on as they come. */
  readonly body?: Schema | 'bytes'
  readonly isBodyOptional?: boolean
  /** The JSON of a success, or the bytes that come as they are. */
  readonly answer: Schema | 'bytes'
  /** The status of a success; 200 when absent. */
  readonly status?: number
  /** Statuses of failures, each with when it happens. */
  readonly failures: Readonly<Record<number, string>>
}

/** What readers are told of a front as a whole. */
export interface ApiAbout {
  readonly title: string
  readonly description: string
  /** Of the old system's API. */
  readonly version: string
  /** The kind of document that the old system had. */
  readonly dialect: Dialect
  /** Where the document stands, behind the prefix. */
  readonly path: string
  readonly schemas: Readonly<Record<string, Schema>>
  /** The name of the schema of failures. */
  readonly failure: string
  /** Ways to say who asks. */
  readonly security: readonly ('bearer' | 'basic' | 'apiKey')[]
}

export type Dialect = '3.1.0' | '3.0.3' | '2.0'

export const text = (description: string, more: Partial<Schema> = {}): Schema => ({
  type: 'string',
  description,
  ...more,
})
export const ref = (name: string): Schema => ({ $ref: `#/schemas/${name}` })
/** An object of these properties, all of which it has unless `required` says otherwise. */
export const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema => ({ type: 'object', properties, required })
export const list = (items: Schema): Schema => ({ type: 'array', items })
