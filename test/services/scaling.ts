import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ScaleInput } from '../../testkit/generated/graphql.ts'
import { graphql } from '../../testkit/generated/index.ts'
import type { Client } from '../../testkit/client.ts'
import { succeeded, whole } from '../../testkit/outcome.ts'
import { seedDeployment, seedVersion } from '../../testkit/seed/services.ts'

const Create = graphql(`
  mutation ScalingCreate($input: CreateServiceInput!) {
    createService(input: $input) {
      __typename
      ... on CreateServiceSuccess {
        service {
          id
          handle
          ... on ProcessService {
            invokeUrl
          }
        }
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const Rescale = graphql(`
  mutation ScalingScale($id: ID!, $scale: ScaleInput!) {
    scaleService(input: { id: $id, scale: $scale }) {
      __typename
      ... on ScaleServiceSuccess {
        service {
          status
          scale {
            desired
            min
            max
            autoscale
            targetInFlight
          }
        }
      }
      ... on ValidationError {
        issues {
          path
          message
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const Look = graphql(`
  query ScalingLook($id: ID!) {
    service(id: $id) {
      status
      statusReason
      events(last: 1000) {
        nodes {
          number
          kind
          instance
          message
          actor {
            kind
          }
          changes {
            field
            from
            to
          }
        }
      }
      logs(last: 1000) {
        nodes {
          text
        }
      }
      ... on ProcessService {
        scale {
          desired
          min
          max
          autoscale
          targetInFlight
        }
        instances {
          ordinal
          status
          inFlight
        }
      }
    }
  }
`)

/** Answers with the process that answers, once the request has ended. */
const patient = {
  'main.mjs': `export const handler = async (request) => {
  await request.text()
  return new Response(String(process.pid))
}
`,
}

export interface Scaled {
  readonly id: string
  readonly handle: string
  readonly invokeUrl: string
  readonly versionId: string
}

/** Asks for a service of patient Node.js handlers, or of what `how` says, with this scale; its whole outcome. */
export async function ask(
  client: Client,
  scale: ScaleInput,
  how: { files?: Record<string, string>; command?: string } = {},
) {
  const { id } = await seedDeployment(client)
  const { files = patient, command } = how
  const run = command === undefined ? { image: 'node' } : { command }
  const versionId = await seedVersion(client, id, files, run)
  const input = { name: 'scaled', backend: { process: { versionId, scale } } }
  const { createService } = await client.request(Create, { input })
  return { createService, versionId }
}

export async function scaledService(...asked: Parameters<typeof ask>): Promise<Scaled> {
  const { createService, versionId } = await ask(...asked)
  const { service } = succeeded(createService, 'CreateServiceSuccess')
  return { ...service, invokeUrl: whole(service)?.invokeUrl ?? '', versionId }
}

/** The service as it is, and every number that autoscale has decided, with the reason. */
export async function scaling(client: Client, id: string) {
  const service = whole((await client.request(Look, { id })).service)
  if (service === null) throw new Error(`There is no service ${id}.`)
  const events = service.events.nodes
  return {
    ...service,
    events,
    ready: service.instances.filter(({ status }) => status === 'READY').length,
    decisions: events
      .filter(({ kind, actor }) => kind === 'SCALED' && actor.kind === 'SYSTEM')
      .map(({ changes, message }) => ({
        from: changes[0]?.from as number,
        to: changes[0]?.to as number,
        message,
      })),
  }
}

/** A request that is not at its end: its instance answers when it is. */
export function held(client: Client, url: string) {
  const asking = request(url, { method: 'POST', headers: client.headers })
  asking.write('begun')
  const answer = once(asking, 'response').then(async ([response]: IncomingMessage[]) => ({
    status: response?.statusCode,
    text: response === undefined ? '' : await text(response),
  }))
  answer.catch(() => {}) // whoever wants to know awaits it
  return {
    answer,
    end: () => {
      asking.end()
      return answer
    },
  }
}
