import { graphql } from '../generated/index.ts'

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
