import { graphql } from '../../testkit/generated/index.ts'

export const CreateOnce = graphql(`
  mutation CreateOnce($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess {
        deployment {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
