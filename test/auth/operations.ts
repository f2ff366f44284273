import { graphql } from '../generated/index.ts'
import type { Role } from '../generated/graphql.ts'
import type { Client } from '../support/client.ts'
import { succeeded } from '../support/seed.ts'

/** The operations on people and their credentials that several test files send. */
export const SetMember = graphql(`
  mutation AuthSetMember($input: SetMemberInput!) {
    setMember(input: $input) {
      __typename
      ... on SetMemberSuccess {
        membership {
          role
          user {
            id
            email
            name
          }
          organization {
            id
          }
        }
        invitation {
          id
          email
          name
          role
          status
        }
        secret: invitationCode
        replayed
      }
      ... on ValidationError {
        issues {
          path
          message
          rule
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const AcceptInvitation = graphql(`
  mutation AuthAcceptInvitation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
      __typename
      ... on AcceptInvitationSuccess {
        membership {
          role
          user {
            id
            email
            name
          }
          organization {
            id
          }
        }
        replayed
      }
      ... on WrongState {
        state
      }
      ... on ValidationError {
        issues {
          path
          rule
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const DeclineInvitation = graphql(`
  mutation AuthDeclineInvitation($input: DeclineInvitationInput!) {
    declineInvitation(input: $input) {
      __typename
      ... on DeclineInvitationSuccess {
        declinedId
      }
      ... on WrongState {
        state
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const WithdrawInvitation = graphql(`
  mutation AuthWithdrawInvitation($input: WithdrawInvitationInput!) {
    withdrawInvitation(input: $input) {
      __typename
      ... on WithdrawInvitationSuccess {
        invitation {
          id
          status
        }
      }
      ... on WrongState {
        state
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const LeaveOrganization = graphql(`
  mutation AuthLeaveOrganization($input: LeaveOrganizationInput!) {
    leaveOrganization(input: $input) {
      __typename
      ... on LeaveOrganizationSuccess {
        leftId
        replayed
      }
      ... on ValidationError {
        issues {
          path
          rule
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const RemoveMember = graphql(`
  mutation AuthRemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) {
      __typename
      ... on RemoveMemberSuccess {
        removedId
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const SignIn = graphql(`
  mutation AuthSignIn($input: SignInInput!) {
    signIn(input: $input) {
      __typename
      ... on SignInSuccess {
        secret
        token {
          id
          role
          expiresAt
        }
      }
      ... on QuotaReached {
        retryAfterSeconds
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

export const Who = graphql(`
  query AuthWho {
    viewer {
      role
      user {
        id
        email
      }
      token {
        id
      }
      organization {
        id
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

export const Changed = graphql(`
  subscription AuthChanged($organizationId: ID) {
    organizationChanged(organizationId: $organizationId) {
      cursor
      activities {
        action
      }
    }
  }
`)

export const History = graphql(`
  query AuthHistory($organizationId: ID) {
    activity(organizationId: $organizationId, first: 100) {
      nodes {
        action
        subjectId
        actor {
          name
        }
        changes {
          field
          from
          to
        }
      }
    }
  }
`)

export const PASSWORD = 'correct horse battery'

let count = 0

/** A person who can sign in, made by `admin` in an organization of its. */
export async function seedPerson(
  admin: Client,
  role: Role,
  organizationId: string,
): Promise<{ id: string; email: string; password: string }> {
  const email = `person${(count += 1)}@example.com`
  const input = { email, role, password: PASSWORD, organizationId }
  const { setMember } = await admin.request(SetMember, { input })
  const { membership } = succeeded(setMember, 'SetMemberSuccess')
  return { id: membership?.user.id ?? '', email, password: PASSWORD }
}

/** The code of a new invitation by `admin` into an organization of its. */
export async function invited(
  admin: Client,
  email: string,
  role: Role,
  organizationId: string,
): Promise<{ code: string; id: string }> {
  const { setMember } = await admin.request(SetMember, { input: { email, role, organizationId } })
  const { invitation, secret } = succeeded(setMember, 'SetMemberSuccess')
  return { code: secret ?? '', id: invitation?.id ?? '' }
}

interface SignInInput {
  readonly email: string
  readonly password: string
  readonly organizationId?: string
}

/** The secret of a new sign-in. */
export async function signedIn(
  stranger: Client,
  { email, password, organizationId }: SignInInput,
): Promise<{ secret: string; id: string }> {
  const input = { email, password, ...(organizationId && { organizationId }) }
  const { signIn } = await stranger.request(SignIn, { input })
  const { secret, token } = succeeded(signIn, 'SignInSuccess')
  return { secret, id: token.id }
}
