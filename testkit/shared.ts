import { testApp, type TestApp } from './app.ts'
import type { Client } from './client.ts'
import type { ProcessesQuery } from './generated/graphql.ts'
import { graphql } from './generated/index.ts'
import { remove } from './operations/services.ts'
import { seedOrganization } from './seed/organizations.ts'

/** A server that files share, and in it an organization of one file alone. */
export interface SharedApp extends Pick<TestApp, 'url' | 'client' | 'stranger'> {
  /** May do everything in the organization, and nothing elsewhere. */
  readonly admin: Client
  readonly organizationId: string
  /** Ends what runs in the organization; the server stays for the next file. */
  close(): Promise<void>
}

let running: Promise<TestApp> | undefined

/**
 * An organization of its own on the server of this process, which is started for the first file that asks and has the
 * settings of `testApp()`. For tests of what organizations have: whoever changes settings, looks at the server itself, or
 * needs its administrator has a `testApp` of its own. To start one costs more than most of the files that use this.
 */
export async function sharedApp(): Promise<SharedApp> {
  running ??= testApp({}, { isKept: true })
  const app = await running
  const { id: organizationId, admin } = await seedOrganization(app)
  return {
    url: app.url,
    client: (secret) => app.client(secret),
    stranger: app.stranger,
    admin,
    organizationId,
    close: () => removeProcesses(admin),
  }
}

const Processes = graphql(`
  query Processes($after: String) {
    services(filter: { kinds: [PROCESS] }, first: 100, after: $after) {
      nodes {
        id
      }
      pageInfo {
        ...Page
      }
    }
  }
`)

/** Asks for the end of all that runs; nobody waits for it. */
async function removeProcesses(admin: Client): Promise<void> {
  let after: string | null | undefined
  do {
    const { services }: ProcessesQuery = await admin.request(Processes, { after })
    await Promise.all(services.nodes.map(({ id }) => remove(admin, id)))
    after = services.pageInfo.hasNextPage ? services.pageInfo.endCursor : undefined
  } while (after != null)
}
