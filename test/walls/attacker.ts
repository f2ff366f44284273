import { readFile } from 'node:fs/promises'
import { Client } from '../../testkit/client.ts'
import { CreateOrganization, CreateToken } from '../../testkit/operations/organizations.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedDeployment, seedService, seedVersion } from '../../testkit/seed/services.ts'
import type { TestServer } from '../../testkit/server.ts'

export const code = await readFile(new URL('../fixtures/walls/main.mjs', import.meta.url), 'utf8')

/** Whoever may deploy in an organization of their own. */
export async function developerOf(server: TestServer, handle: string): Promise<Client> {
  const { createOrganization } = await server.admin.request(CreateOrganization, {
    input: { name: handle, handle },
  })
  const { organization } = succeeded(createOrganization, 'CreateOrganizationSuccess')
  const { createToken } = await server.admin.request(CreateToken, {
    input: { name: handle, role: 'DEVELOPER', organizationId: organization.id },
  })
  return new Client(server.url, succeeded(createToken, 'CreateTokenSuccess').secret)
}

/** A version of the code that does what it is told. */
export async function versionOf(client: Client, files: Readonly<Record<string, string>> = {}) {
  const { id } = await seedDeployment(client)
  const how = { command: 'exec node main.mjs' }
  return {
    deploymentId: id,
    versionId: await seedVersion(client, id, { 'main.mjs': code, ...files }, how),
  }
}

/** A service that does what it is told. */
export class Attacker {
  readonly client: Client
  readonly id: string
  readonly #url: string

  private constructor(client: Client, { id, invokeUrl }: { id: string; invokeUrl: string }) {
    this.client = client
    this.id = id
    this.#url = invokeUrl
  }

  static async of(client: Client, versionId: string): Promise<Attacker> {
    return new Attacker(client, await seedService(client, versionId))
  }

  /** Runs a function's body in it, with `fs` and `child` (node:child_process); answers what it returns, or the code of its error. */
  async does(body: string): Promise<unknown> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: this.client.headers,
      body,
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${response.status} ${text}`)
    return JSON.parse(text)
  }
}
