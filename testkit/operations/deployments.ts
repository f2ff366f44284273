import { graphql } from '../generated/index.ts'

/** Deployments, their versions, and the uploads of those. */
export const CreateDeployment = graphql(`
  mutation CreateDeployment($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess {
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
        replayed
      }
      ...Problem
    }
  }
`)

export const UpdateDeployment = graphql(`
  mutation UpdateDeployment($input: UpdateDeploymentInput!) {
    updateDeployment(input: $input) {
      __typename
      ... on UpdateDeploymentSuccess {
        deployment {
          revision
        }
      }
      ...Problem
    }
  }
`)

export const DeleteDeployment = graphql(`
  mutation DeleteDeployment($input: DeleteDeploymentInput!) {
    deleteDeployment(input: $input) {
      __typename
      ... on DeleteDeploymentSuccess {
        deletedId
      }
      ...Problem
    }
  }
`)

export const CreateVersion = graphql(`
  mutation CreateVersion($input: CreateDeploymentVersionInput!) {
    createDeploymentVersion(input: $input) {
      __typename
      ... on CreateDeploymentVersionSuccess {
        version {
          id
          label
          image
          handler
          command
          status
          createdAt
        }
        upload {
          id
          url
          method
          expiresAt
        }
        replayed
      }
      ...Problem
    }
  }
`)

export const DeleteVersion = graphql(`
  mutation DeleteVersion($input: DeleteDeploymentVersionInput!) {
    deleteDeploymentVersion(input: $input) {
      __typename
      ... on DeleteDeploymentVersionSuccess {
        deletedId
      }
      ...Problem
    }
  }
`)

export const Version = graphql(`
  query Version($id: ID!) {
    deploymentVersion(id: $id) {
      id
      label
      status
      rejection
      archive {
        downloadUrl
        sha256
        sizeBytes
        leftOut
      }
    }
  }
`)

export const CreateUpload = graphql(`
  mutation CreateUpload($input: CreateUploadInput!) {
    createUpload(input: $input) {
      __typename
      ... on CreateUploadSuccess {
        upload {
          id
          url
        }
      }
      ...Problem
    }
  }
`)

export const DeploymentEvents = graphql(`
  query DeploymentEvents($deploymentId: ID!, $after: String) {
    deployment(id: $deploymentId) {
      events(first: 500, after: $after) {
        nodes {
          ...EventFields
          kind
        }
        pageInfo {
          ...Page
        }
      }
    }
  }
`)

export const DeploymentChanged = graphql(`
  subscription DeploymentChanged($deploymentId: ID!, $after: String) {
    deploymentChanged(deploymentId: $deploymentId, after: $after) {
      deployment {
        id
        versions(first: 1) {
          nodes {
            id
          }
        }
      }
      events {
        ...EventFields
        kind
      }
    }
  }
`)
