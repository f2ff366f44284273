import { graphql } from '../generated/index.ts'
import { whole } from '../support/seed.ts'
import type { Client } from '../support/client.ts'

const Look = graphql(`
  query CrashLook($id: ID!) {
    service(id: $id) {
      id
      status
      statusReason
      revision
      name
      description
      events(first: 1000) {
        nodes {
          number
          kind
          message
        }
      }
      ... on ProcessService {
        version {
          id
        }
        targetVersion {
          id
        }
        instances {
          ordinal
          status
          restarts
        }
      }
    }
  }
`)

const Stop = graphql(`
  mutation CrashStop($id: ID!) {
    stopService(input: { id: $id }) {
      __typename
    }
  }
`)

const Delete = graphql(`
  mutation CrashDelete($id: ID!) {
    deleteService(input: { id: $id }) {
      __typename
    }
  }
`)

const Update = graphql(`
  mutation CrashUpdate($input: UpdateServiceInput!) {
    updateService(input: $input) {
      __typename
      ... on UpdateServiceSuccess {
        service {
          revision
        }
      }
    }
  }
`)

const Lines = graphql(`
  query CrashLines($id: ID!, $after: String) {
    service(id: $id) {
      logs(first: 1000, after: $after) {
        nodes {
          number
          source
          text
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  }
`)

export const FollowLog = graphql(`
  subscription CrashFollowLog($id: ID!, $after: String) {
    serviceLogs(serviceId: $id, after: $after) {
      cursor
      lines {
        number
        text
      }
      end {
        lastNumber
      }
    }
  }
`)

export const look = async (client: Client, id: string) =>
  whole((await client.request(Look, { id })).service)
export const stop = (client: Client, id: string) => client.request(Stop, { id })
export const remove = (client: Client, id: string) => client.request(Delete, { id })
export const update = (
  client: Client,
  input: { id: string; description?: string; backend?: { process: { versionId: string } } },
) => client.request(Update, { input })

export interface Line {
  readonly number: number
  readonly source: string
  readonly text: string
}

/** The whole log of a service. */
export async function logOf(client: Client, id: string): Promise<Line[]> {
  const lines: Line[] = []
  let after: string | null = null
  for (;;) {
    const data: { service?: { logs: Page } | null } = await client.request(Lines, { id, after })
    const page: Page | undefined = data.service?.logs
    lines.push(...(page?.nodes ?? []))
    if (!page?.pageInfo.hasNextPage) return lines
    after = page.pageInfo.endCursor ?? null
  }
}

interface Page {
  readonly nodes: readonly Line[]
  readonly pageInfo: { readonly endCursor?: string | null; readonly hasNextPage: boolean }
}

/** 1, 2, 3 … `length`. */
export const dense = (length: number): number[] => Array.from({ length }, (_, i) => i + 1)

/** What each process of the program `counter` has counted, in the order of the log. */
export function countedIn(lines: readonly Pick<Line, 'text'>[]): Map<string, number[]> {
  const counted = new Map<string, number[]>()
  for (const { text } of lines) {
    const [, name, n] = /^([0-9a-f]{8}) (\d+)$/.exec(text) ?? []
    if (name !== undefined) counted.set(name, [...(counted.get(name) ?? []), Number(n)])
  }
  return counted
}
