import { graphql } from '../generated/index.ts'
import type { Client } from '../support/client.ts'
import { succeeded } from '../support/seed.ts'

/** The operations on deployments and versions that several test files send. */
export const CreateDeployment = graphql(`
  mutation DeploymentsCreate($input: CreateDeploymentInput!) {
    createDeployment(input: $input) {
      __typename
      ... on CreateDeploymentSuccess {
        deployment {
          id
          name
          handle
          description
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

export const DeleteDeployment = graphql(`
  mutation DeploymentsDelete($id: ID!) {
    deleteDeployment(input: { id: $id }) {
      __typename
      ... on DeleteDeploymentSuccess {
        deletedId
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

export const CreateVersion = graphql(`
  mutation DeploymentsCreateVersion($input: CreateDeploymentVersionInput!) {
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
        }
        upload {
          id
          url
          method
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

export const DeleteVersion = graphql(`
  mutation DeploymentsDeleteVersion($id: ID!) {
    deleteDeploymentVersion(input: { id: $id }) {
      __typename
      ... on DeleteDeploymentVersionSuccess {
        deletedId
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

export const Version = graphql(`
  query DeploymentsVersion($id: ID!) {
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
  mutation DeploymentsCreateUpload($input: CreateUploadInput!) {
    createUpload(input: $input) {
      __typename
      ... on CreateUploadSuccess {
        upload {
          id
          url
        }
      }
      ... on QuotaReached {
        limit
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

let count = 0

/** A version that waits for its archive, and where to send that. */
export async function waitingVersion(client: Client, deploymentId: string) {
  const input = { deploymentId, label: `w${(count += 1)}` }
  const { createDeploymentVersion } = await client.request(CreateVersion, { input })
  const made = succeeded(createDeploymentVersion, 'CreateDeploymentVersionSuccess')
  return { id: made.version.id, url: made.upload.url ?? '' }
}

/** A version that must be there. */
export async function versionOf(client: Client, id: string) {
  const { deploymentVersion } = await client.request(Version, { id })
  if (deploymentVersion === null) throw new Error(`There is no version ${id}.`)
  return deploymentVersion
}

/** Sends bytes to an upload: the status and what a failure says. */
export async function send(url: string, bytes: Uint8Array) {
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(bytes) })
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, body }
}
