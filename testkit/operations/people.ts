import { graphql } from '../generated/index.ts'

/** People: their memberships, how they are invited, and how they sign in. */
graphql(`
  fragment MembershipFields on Membership {
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
`)

export const SetMember = graphql(`
  mutation SetMember($input: SetMemberInput!) {
    setMember(input: $input) {
      __typename
      ... on SetMemberSuccess {
        membership {
          ...MembershipFields
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
      ...Problem
    }
  }
`)

export const AcceptInvitation = graphql(`
  mutation AcceptInvitation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
      __typename
      ... on AcceptInvitationSuccess {
        membership {
          ...MembershipFields
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const DeclineInvitation = graphql(`
  mutation DeclineInvitation($input: DeclineInvitationInput!) {
    declineInvitation(input: $input) {
      __typename
      ... on DeclineInvitationSuccess {
        declinedId
      }
      ...Problem
    }
  }
`)

export const WithdrawInvitation = graphql(`
  mutation WithdrawInvitation($input: WithdrawInvitationInput!) {
    withdrawInvitation(input: $input) {
      __typename
      ... on WithdrawInvitationSuccess {
        invitation {
          id
          status
        }
      }
      ...Problem
    }
  }
`)

export const LeaveOrganization = graphql(`
  mutation LeaveOrganization($input: LeaveOrganizationInput!) {
    leaveOrganization(input: $input) {
      __typename
      ... on LeaveOrganizationSuccess {
        leftId
        replayed
      }
      ...Problem
    }
  }
`)

export const RemoveMember = graphql(`
  mutation RemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) {
      __typename
      ... on RemoveMemberSuccess {
        removedId
      }
      ...Problem
    }
  }
`)

export const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
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
      ...Problem
    }
  }
`)
