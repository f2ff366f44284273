import { graphql } from '../generated/index.ts'

export const OpenService = graphql(`
  mutation PagesOpen($input: OpenServiceInput!) {
    openService(input: $input) {
      __typename
      ... on OpenServiceSuccess {
        url
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

export const PageUrl = graphql(`
  query PagesUrl($id: ID!) {
    service(id: $id) {
      ... on ProcessService {
        pageUrl
      }
    }
  }
`)
