import { graphql } from '../generated/index.ts'

/** Mutations with every scalar of what they answer, so that equal answers are equal in all of it. */
export const CreateDeployment = graphql(`
  mutation IdempotencyCreateDeployment($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess {
        replayed
        deployment {
          id
          name
          handle
          description
          revision
          asOf
          createdAt
          updatedAt
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

export const CreateVersion = graphql(`
  mutation IdempotencyCreateVersion($input: CreateDeploymentVersionInput!) {
    createDeploymentVersion(input: $input) {
      __typename
      ... on CreateDeploymentVersionSuccess {
        replayed
        version {
          id
          label
          status
          createdAt
        }
        upload {
          id
          url
          expiresAt
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const CreateService = graphql(`
  mutation IdempotencyCreateService($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        replayed
        service {
          id
          handle
          status
          revision
          updatedAt
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const ScaleService = graphql(`
  mutation IdempotencyScale($input: ScaleServiceInput!) {
    scaleService(input: $input) {
      __typename
      ... on ScaleServiceSuccess {
        replayed
        service {
          id
          status
          revision
          updatedAt
          scale {
            desired
          }
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const StopService = graphql(`
  mutation IdempotencyStop($input: StopServiceInput!) {
    stopService(input: $input) {
      __typename
      ... on StopServiceSuccess {
        replayed
        service {
          id
          status
          revision
        }
      }
      ... on Conflict {
        field
      }
      ... on WrongState {
        state
        allowed
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const RollBack = graphql(`
  mutation IdempotencyRollBack($input: RollBackDeploymentInput!) {
    rollBackDeployment(input: $input) {
      __typename
      ... on RollBackDeploymentSuccess {
        replayed
        services {
          id
          status
          revision
          updatedAt
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const CreateToken = graphql(`
  mutation IdempotencyCreateToken($input: CreateTokenInput!) {
    createToken(input: $input) {
      __typename
      ... on CreateTokenSuccess {
        replayed
        secret
        token {
          id
          name
          role
          createdAt
          expiresAt
        }
      }
      ... on Conflict {
        field
        message
      }
      ... on Error {
        message
      }
    }
  }
`)

export const InvokeService = graphql(`
  mutation IdempotencyInvoke($input: InvokeServiceInput!) {
    invokeService(input: $input) {
      __typename
      ... on InvokeServiceSuccess {
        replayed
        json
        statusCode
        durationMs
      }
      ... on Conflict {
        field
        message
      }
      ... on Error {
        message
      }
    }
  }
`)

export const Activity = graphql(`
  query IdempotencyActivity($actions: [String!]) {
    activity(first: 1000, filter: { actions: $actions }) {
      nodes {
        action
        subjectId
        changes {
          field
          to
        }
        actor {
          kind
          name
          front
        }
      }
    }
  }
`)
