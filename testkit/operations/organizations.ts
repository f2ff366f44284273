import { graphql } from '../generated/index.ts'

/** Organizations, the tokens of them, and who a caller is. */
graphql(`
  fragment TokenFields on Token {
    id
    name
    role
    createdAt
    expiresAt
    revokedAt
  }
`)

export const CreateOrganization = graphql(`
  mutation CreateOrganization($input: CreateOrganizationInput!) {
    createOrganization(input: $input) {
      __typename
      ... on CreateOrganizationSuccess {
        organization {
          id
          handle
          addresses {
            front
            text
          }
          annotations(front: ABEJA)
        }
      }
      ...Problem
    }
  }
`)

export const CreateToken = graphql(`
  mutation CreateToken($input: CreateTokenInput!) {
    createToken(input: $input) {
      __typename
      ... on CreateTokenSuccess {
        secret
        token {
          ...TokenFields
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const RevokeToken = graphql(`
  mutation RevokeToken($input: RevokeTokenInput!) {
    revokeToken(input: $input) {
      __typename
      ... on RevokeTokenSuccess {
        token {
          ...TokenFields
        }
      }
      ...Problem
    }
  }
`)

export const Viewer = graphql(`
  query Viewer {
    viewer {
      role
      organization {
        id
        handle
      }
      user {
        id
        email
      }
      token {
        id
        name
      }
      memberships {
        role
        organization {
          id
        }
      }
    }
  }
`)

/** What was done in an organization, the latest first. */
graphql(`
  fragment ActivityFields on Activity {
    number
    at
    action
    subjectId
    actor {
      kind
      name
      front
    }
    changes {
      field
      from
      to
    }
  }
`)

export const Activities = graphql(`
  query Activities(
    $organizationId: ID
    $filter: ActivityFilter
    $first: Int
    $last: Int
    $before: String
  ) {
    activity(
      organizationId: $organizationId
      filter: $filter
      first: $first
      last: $last
      before: $before
    ) {
      nodes {
        ...ActivityFields
      }
      gap {
        ...GapFields
      }
      pageInfo {
        ...Page
      }
    }
  }
`)

export const OrganizationChanged = graphql(`
  subscription OrganizationChanged($organizationId: ID, $after: String) {
    organizationChanged(organizationId: $organizationId, after: $after) {
      cursor
      activities {
        ...ActivityFields
        subject {
          id
        }
      }
    }
  }
`)
