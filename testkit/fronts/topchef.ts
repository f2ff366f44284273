import { request } from 'node:http'
import { idKind } from '../../src/kit/ids.ts'
import type { Client } from '../client.ts'

/** An answer of the front. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** As it came. */
  readonly text: string
  /** What the JSON says; undefined where there is none. */
  readonly body: Said
}

/** Of a list what tests go through it by. */
interface Listed {
  readonly [place: number]: Said
  readonly length: number
  at(place: number): Said | undefined
  slice(begin: number, end?: number): Said[]
  map<To>(to: (one: Said) => To): To[]
}

/** JSON of the front: whatever it says, an object or a list; what tests go into is named. */
export interface Said {
  readonly [key: string]: unknown
  readonly id: string
  readonly data: Said & Listed
  readonly errors: readonly {
    readonly status_code: number
    readonly title: string
    readonly detail: string
  }[]
  readonly links: { readonly self: string }
  readonly jobs: Listed
  readonly service_details: Said
  readonly job_details: Said
}

interface Init {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is. */
  readonly raw?: string
}

/** A caller of the front, as it would be written by hand. */
export class Topchef {
  /** Where the front is, without a trailing slash. */
  readonly base: string
  readonly headers: Readonly<Record<string, string>>

  constructor(base: string, headers: Readonly<Record<string, string>>) {
    this.base = base
    this.headers = headers
  }

  static of(client: Client): Topchef {
    return new Topchef(`${client.url}/topchef`, client.headers)
  }

  /** The same caller with further headers. */
  with(headers: Readonly<Record<string, string>>): Topchef {
    return new Topchef(this.base, { ...this.headers, ...headers })
  }

  /** A call of a path; a body is sent as JSON, and even GET says that it has some, as the clients do. */
  async call(method: string, path: string, body?: unknown, init: Init = {}): Promise<Answer> {
    const response = await fetch(this.base + path, {
      method,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...this.headers, ...init.headers },
      ...(body === undefined && init.raw === undefined
        ? {}
        : { body: init.raw ?? JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : undefined) as Said, // compared by the tests
    }
  }

  /** The body of a call that must succeed. */
  async did(method: string, path: string, body?: unknown, init?: Init): Promise<Said> {
    const answer = await this.call(method, path, body, init)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }

  /** The path of a new service. */
  async service(about: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { data } = await this.did('POST', '/services', { ...SERVICE, ...about })
    return `/services/${data.service_details.id}`
  }

  /** The path of a new job. */
  async job(service: string, parameters: unknown = { value: 1 }): Promise<string> {
    return `/jobs/${(await this.did('POST', `${service}/jobs`, { parameters })).data.id}`
  }
}

/** A service whose jobs have a value that is a whole number. */
export const SERVICE = {
  name: 'of a test',
  description: 'Adds.',
  job_registration_schema: {
    type: 'object',
    properties: { value: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
    required: ['value'],
  },
  job_result_schema: { type: 'object', properties: { sum: { type: 'number' } } },
} as const

/** A request by Node's own client, which sends what fetch refuses to: a body with GET, any method. */
export function plainly(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(url, { method, headers: { ...headers, ...length } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The key behind a canonical id, as this front writes it. */
export function uuidOf(id: string): string {
  const uuid = idKind(id.split('_')[0] ?? '').read(id)
  if (uuid === undefined) throw new Error(`${id} is no id.`)
  return uuid
}
