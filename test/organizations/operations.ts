import { graphql } from '../generated/index.ts'
import type { Role } from '../generated/graphql.ts'
import { Client } from '../support/client.ts'
import { succeeded } from '../support/seed.ts'

/** The operations on organizations and tokens that several test files send. */
export const CreateOrganization = graphql(`
  mutation OrganizationsCreate($input: CreateOrganizationInput!) {
    createOrganization(input: $input) {
      __typename
      ... on CreateOrganizationSuccess {
        organization {
          id
          handle
          addresses {
            front
            id
          }
          annotations(front: ABEJA)
        }
      }
      ... on Conflict {
        field
      }
      ... on ValidationError {
        issues {
          path
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const CreateToken = graphql(`
  mutation OrganizationsCreateToken($input: CreateTokenInput!) {
    createToken(input: $input) {
      __typename
      ... on CreateTokenSuccess {
        secret
        token {
          id
          name
          role
          expiresAt
          revokedAt
        }
      }
      ... on ValidationError {
        issues {
          path
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const RevokeToken = graphql(`
  mutation OrganizationsRevokeToken($id: ID!) {
    revokeToken(input: { id: $id }) {
      __typename
      ... on RevokeTokenSuccess {
        token {
          id
          revokedAt
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const Viewer = graphql(`
  query OrganizationsViewer {
    viewer {
      role
      organization {
        id
        handle
      }
      user {
        email
      }
      token {
        id
        name
      }
    }
  }
`)

let count = 0

/** A token of an organization, with its secret. */
export async function seedToken(
  admin: Client,
  organizationId: string,
  role: Role,
  expiresAt?: string,
) {
  const name = `token ${(count += 1)}`
  const input = { name, role, organizationId, ...(expiresAt === undefined ? {} : { expiresAt }) }
  const { createToken } = await admin.request(CreateToken, { input })
  return succeeded(createToken, 'CreateTokenSuccess')
}

/** A server of this process or another, and its admin. */
interface Server {
  readonly url: string
  readonly admin: Client
}

/** A new organization and somebody who may do everything in it, and nothing elsewhere. */
export async function seedOrganization(app: Server): Promise<{ id: string; admin: Client }> {
  const { createOrganization } = await app.admin.request(CreateOrganization, {
    input: { name: `organization ${(count += 1)}` },
  })
  const { id } = succeeded(createOrganization, 'CreateOrganizationSuccess').organization
  return { id, admin: await member(app, id, 'ADMIN') }
}

/** A caller with a role in an organization. */
export const member = async (app: Server, organizationId: string, role: Role): Promise<Client> =>
  new Client(app.url, (await seedToken(app.admin, organizationId, role)).secret)
