import { graphql } from '../generated/index.ts'

/** Routes, and what they lead to. */
graphql(`
  fragment RouteFields on Route {
    id
    name
    handle
    invokeUrl
    addresses {
      front
      text
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
  mutation CreateRoute($input: CreateRouteInput!) {
    createRoute(input: $input) {
      __typename
      ... on CreateRouteSuccess {
        route {
          ...RouteFields
        }
      }
      ...Problem
    }
  }
`)

export const UpdateRoute = graphql(`
  mutation UpdateRoute($input: UpdateRouteInput!) {
    updateRoute(input: $input) {
      __typename
      ... on UpdateRouteSuccess {
        route {
          ...RouteFields
        }
      }
      ...Problem
    }
  }
`)

export const DeleteRoute = graphql(`
  mutation DeleteRoute($input: DeleteRouteInput!) {
    deleteRoute(input: $input) {
      __typename
      ... on DeleteRouteSuccess {
        deletedId
        route {
          ...RouteFields
        }
      }
      ...Problem
    }
  }
`)

export const GetRoute = graphql(`
  query GetRoute($id: ID!, $deploymentId: ID) {
    route(id: $id, deploymentId: $deploymentId) {
      ...RouteFields
    }
  }
`)

export const ListRoutes = graphql(`
  query ListRoutes($deploymentIds: [ID!]) {
    routes(filter: { deploymentIds: $deploymentIds }) {
      totalCount
      nodes {
        id
      }
    }
  }
`)
