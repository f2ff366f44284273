import type { Client } from '../client.ts'
import { member, seedOrganization, type Server } from './organizations.ts'
import {
  becomes,
  type Files,
  type Run,
  seedDeployment,
  seedService,
  seedVersion,
  type ServiceOptions,
} from './services.ts'
import type { Role } from '../generated/graphql.ts'

interface Deployed {
  readonly deploymentId: string
}
interface Versioned {
  readonly versionId: string
  readonly versionIds: readonly string[]
}
interface Served {
  readonly id: string
}

/**
 * Steps that each need the one before: `seed(admin).deployment().version(files).service().ready().made()` is a service
 * of these files that is READY, with the ids of all that it was made of. Nothing is made before `made`.
 */
class Chain<Made extends object> {
  readonly #make: () => Promise<{ client: Client; made: Made }>

  constructor(make: () => Promise<{ client: Client; made: Made }>) {
    this.#make = make
  }

  /** Makes it all, in this order. */
  async made(): Promise<Made> {
    return (await this.#make()).made
  }

  #then<More extends object>(
    step: (client: Client, made: Made) => Promise<More>,
  ): Chain<Omit<Made, keyof More> & More> {
    return new Chain(async () => {
      const { client, made } = await this.#make()
      return { client, made: { ...made, ...(await step(client, made)) } }
    })
  }

  deployment() {
    return this.#then(async (client) => {
      const { id, handle } = await seedDeployment(client)
      return { deploymentId: id, deploymentHandle: handle }
    })
  }

  /** A version that is READY, of the deployment; `versionIds` are all of this chain. */
  version(this: Chain<Made & Deployed>, files: Files, run?: Run) {
    return this.#then(async (client, made: Made & Deployed & Partial<Versioned>) => {
      const versionId = await seedVersion(client, made.deploymentId, files, run)
      return { versionId, versionIds: [...(made.versionIds ?? []), versionId] }
    })
  }

  /** A service of the last version, not waited for. */
  service(this: Chain<Made & Versioned>, options?: ServiceOptions) {
    return this.#then((client, { versionId }) => seedService(client, versionId, options))
  }

  /** Waits until the service is READY. */
  ready(this: Chain<Made & Served>) {
    return this.#then(async (client, { id }) => {
      await becomes(client, id, 'READY')
      return {}
    })
  }
}

/** A chain whose steps this caller takes. */
export const seed = (client: Client) => new Chain(async () => ({ client, made: {} }))

/** A chain in a new organization, whose `admin` takes the steps; `members` are callers with these roles. */
export const seedIn = (app: Server, ...roles: Role[]) =>
  new Chain(async () => {
    const { id: organizationId, admin } = await seedOrganization(app)
    const members = []
    for (const role of roles) members.push(await member(app, organizationId, role))
    return { client: admin, made: { organizationId, admin, members } }
  })
