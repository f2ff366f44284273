import { graphql } from '../generated/index.ts'

/** The operations on routes that several test files send. */
graphql(`
  fragment RoutesFields on Route {
    id
    name
    handle
    invokeUrl
    addresses {
      front
      id
      path
    }
    annotations(front: ABEJA)
    deployment {
      id
    }
    targets {
      service {
        id
      }
      isActive
    }
    primary {
      id
    }
  }
`)

export const CreateRoute = graphql(`
  mutation RoutesCreate($input: CreateRouteInput!) {
    createRoute(input: $input) {
      __typename
      ... on CreateRouteSuccess {
        route {
          ...RoutesFields
        }
      }
      ... on Conflict {
        field
        existing {
          id
        }
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

export const UpdateRoute = graphql(`
  mutation RoutesUpdate($input: UpdateRouteInput!) {
    updateRoute(input: $input) {
      __typename
      ... on UpdateRouteSuccess {
        route {
          ...RoutesFields
        }
      }
      ... on Conflict {
        field
        existing {
          id
        }
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

export const DeleteRoute = graphql(`
  mutation RoutesDelete($id: ID!, $deploymentId: ID) {
    deleteRoute(input: { id: $id, deploymentId: $deploymentId }) {
      __typename
      ... on DeleteRouteSuccess {
        deletedId
        route {
          ...RoutesFields
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

export const GetRoute = graphql(`
  query RoutesGet($id: ID!, $deploymentId: ID) {
    route(id: $id, deploymentId: $deploymentId) {
      ...RoutesFields
    }
  }
`)

export const ListRoutes = graphql(`
  query RoutesList($deploymentId: ID) {
    routes(deploymentId: $deploymentId) {
      totalCount
      nodes {
        id
      }
    }
  }
`)
