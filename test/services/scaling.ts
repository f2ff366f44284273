import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ScaleInput } from '../../testkit/generated/graphql.ts'
import { graphql } from '../../testkit/generated/index.ts'
import type { Client } from '../../testkit/client.ts'
import { CreateService } from '../../testkit/operations/services.ts'
import { succeeded, whole } from '../../testkit/outcome.ts'
import { seed } from '../../testkit/seed/chain.ts'
import type { Files, Run } from '../../testkit/seed/services.ts'

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
      ...Problem
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

/** A program, and how it is run. */
export interface Program extends Run {
  readonly files: Files
}

/** Answers with the process that answers, once the request has ended. */
const patient: Program = {
  files: {
    'main.mjs': `export const handler = async (request) => {
  await request.text()
  return new Response(String(process.pid))
}
`,
  },
  image: 'node',
}

export interface Scaled {
  readonly id: string
  readonly handle: string
  readonly invokeUrl: string
  readonly versionId: string
}

/** The version of each program that a caller has asked for: all its services are of the same. */
const versions = new WeakMap<Client, Map<Program, Promise<string>>>()

function versionOf(client: Client, program: Program): Promise<string> {
  const known = versions.get(client) ?? new Map<Program, Promise<string>>()
  versions.set(client, known)
  const { files, ...run } = program
  const version =
    known.get(program) ?? versionFrom(seed(client).deployment().version(files, run).made())
  known.set(program, version)
  return version
}

const versionFrom = async (made: Promise<{ versionId: string }>) => (await made).versionId

/** Asks for a service of patient Node.js handlers, or of another program, with this scale; its whole outcome. */
export async function ask(client: Client, scale: ScaleInput, program: Program = patient) {
  const versionId = await versionOf(client, program)
  const input = { name: 'scaled', backend: { process: { versionId, scale } } }
  const { createService } = await client.request(CreateService, { input })
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
