import { graphql } from '../generated/index.ts'
import { tarGz } from '../archive.ts'
import type { Client } from '../client.ts'
import { until } from '../until.ts'

/** JSON of the front: whatever it says, an object; what is an id or a URL is text. */
export interface Said {
  readonly [field: string]: unknown
  readonly deployment_id: string
  readonly version_id: string
  readonly service_id: string
  readonly upload_url: string
  readonly download_uri: string
  readonly entries: readonly (Said & { readonly creator: { readonly email: string } })[]
}

/** An answer of the front. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Said
}

const Address = graphql(`
  query AbejaOrganizationOf {
    viewer {
      organization {
        address(front: ABEJA)
      }
    }
  }
`)

/** The address of the organization in which this client acts. */
async function organizationOf(client: Client): Promise<string> {
  const { viewer } = await client.request(Address)
  return viewer.organization.address ?? ''
}

/** A caller of the front, as it would be written by hand. */
export class Abeja {
  /** Where the front is, without a trailing slash. */
  readonly base: string
  readonly organization: string
  readonly headers: Record<string, string>

  constructor(base: string, organization: string, headers: Record<string, string>) {
    this.base = base
    this.organization = organization
    this.headers = headers
  }

  static async of(client: Client): Promise<Abeja> {
    return new Abeja(`${client.url}/abeja`, await organizationOf(client), client.headers)
  }

  /** The same caller with other headers, or at another place. */
  with(more: { base?: string; organization?: string; headers?: Record<string, string> }): Abeja {
    const { base = this.base, organization = this.organization, headers = this.headers } = more
    return new Abeja(base, organization, headers)
  }

  /** A call of a path below the organization; a body is sent as JSON, as the SDK does. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const at = `/organizations/${this.organization}${path}`
    if (body === undefined) return this.send(method, at)
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    return this.send(method, at, { body: sent, headers: { 'content-type': 'application/json' } })
  }

  /** A call of any path of the front. */
  async send(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(this.base + path, {
      method,
      redirect: 'manual',
      ...init,
      headers: { ...this.headers, ...(init.headers as Record<string, string>) },
    })
    const text = await response.text()
    try {
      const body = JSON.parse(text) as Said // compared by the tests
      return { status: response.status, headers: response.headers, body }
    } catch (cause) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`, { cause })
    }
  }

  /** The body of a call that must succeed. */
  async did(method: string, path: string, body?: unknown): Promise<Said> {
    const answer = await this.call(method, path, body)
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async deployment(name = 'of a test'): Promise<string> {
    return (await this.did('POST', '/deployments', { name })).deployment_id
  }

  /** A version whose archive has arrived. */
  async version(
    deployment: string,
    files: Readonly<Record<string, string>> = ECHO,
    about: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const wanted = { version: `v${(count += 1)}`, image: 'abeja-inc/minimal:0.1.0', ...about }
    const made = await this.did('POST', `/deployments/${deployment}/versions`, wanted)
    const upload = await fetch(made.upload_url, {
      method: 'PUT',
      body: new Uint8Array(await tarGz(files)),
    })
    if (upload.status !== 200) throw new Error(`${upload.status} ${await upload.text()}`)
    return made.version_id
  }

  /** A service that is READY, and where it is. */
  async running(
    files: Readonly<Record<string, string>> = ECHO,
    about: Readonly<Record<string, unknown>> = {},
  ): Promise<{ deployment: string; version: string; service: string; path: string }> {
    const deployment = await this.deployment()
    const version = await this.version(deployment, files)
    const wanted = { version_id: version, ...about }
    const made = await this.did('POST', `/deployments/${deployment}/services`, wanted)
    const service = made.service_id
    const path = `/deployments/${deployment}/services/${service}`
    await this.becomes(path, 'READY')
    return { deployment, version, service, path }
  }

  async becomes(path: string, wanted: string): Promise<void> {
    await until(async () => {
      const { status } = await this.did('GET', path)
      if (status === 'FAILED' && wanted !== 'FAILED') throw new Error('The service failed.')
      return status === wanted
    })
  }
}

let count = 0

/** A handler that gives back what it gets, and says so in its log. */
export const ECHO = {
  'main.py': `
import os

def handler(request, context):
    body = request.read()
    for line in body.decode("utf-8", "replace").splitlines()[:20] or [""]:
        print(line, flush=True)
    return {
        "status_code": 200,
        "content_type": request.content_type or "text/plain",
        "content": body,
        "metadata": {"x-method": request.http_method, "x-variable": os.environ.get("A", "")},
    }
`,
} as const
