import type { TestApp } from '../../../testkit/app.ts'
import { tarGz } from '../../../testkit/archive.ts'
import type { Client } from '../../../testkit/client.ts'
import { fieldOf, plainTypes, takenBy } from '../../../testkit/plain.ts'
import { becomes } from '../../../testkit/seed/services.ts'
import { argumentsOf, fieldsOf, nodeTypes, selectionOf } from '../../../testkit/selection.ts'
import { until } from '../../../testkit/until.ts'
import { getNamedType, isRequiredArgument } from 'graphql'
import { schema } from '../../../src/schema.ts'
import type { Role } from '../../../testkit/generated/graphql.ts'
import { send, succeed, type Data } from './send.ts'

/** An organization with one object of every type; each text of it holds its word. */
export interface Tenant {
  readonly word: string
  /** By type, its object. */
  readonly ids: Readonly<Record<string, string>>
  readonly handles: readonly string[]
  /** What fronts call its objects. */
  readonly addresses: readonly string[]
  /** What the ABEJA front calls its objects, by their types. */
  readonly abeja: Readonly<Record<string, string>>
  readonly person: { readonly email: string; readonly password: string }
  /** Signed for its own upload and archive. */
  readonly urls: { readonly upload: string; readonly archive: string; readonly log: string }
  readonly viewers: { readonly ADMIN: Client } & Readonly<Record<string, Client>>
}

const idIn = (made: Data, noun: string): string => (made[noun] as { id: string }).id

export async function seedTenant(app: TestApp, word: string): Promise<Tenant> {
  const text = `${word} seed`
  const named = (noun: string) => ({
    name: text,
    handle: `${word}-${noun}`,
    idempotencyKey: `${word}-${noun}`,
    annotations: [{ front: 'ABEJA', value: { word } }],
  })
  const chosen = (noun: string) => ({ addresses: [`abeja:${word}-${noun}`] })
  const made = await succeed(
    app.admin,
    'createOrganization',
    { ...named('organization'), ...chosen('organization') },
    'organization { id }',
  )
  const organizationId = idIn(made, 'organization')
  const secretOf = async (role: Role, more: object = {}): Promise<string> => {
    const input = { name: text, role, organizationId, ...more }
    return (await succeed(app.admin, 'createToken', input, 'secret'))['secret'] as string
  }
  const admin = app.client(await secretOf('ADMIN'))
  const deployment = await succeed(
    admin,
    'createDeployment',
    {
      ...named('deployment'),
      ...chosen('deployment'),
      description: text,
      environment: [{ name: 'WORD', value: word }],
    },
    'deployment { id }',
  )
  const deploymentId = idIn(deployment, 'deployment')
  const files = {
    'main.mjs': `console.log('${word}')\nexport const handler = () => new Response('${word} ' + process.env.MILLRACE_TOKEN)\n`,
  }
  const version = await succeed(
    admin,
    'createDeploymentVersion',
    {
      deploymentId,
      label: `${word}-1`,
      image: 'node',
      parameters: [{ name: 'word', value: word }],
      annotations: named('').annotations,
    },
    'version { id } upload { url }',
  )
  const versionId = idIn(version, 'version')
  const body = new Uint8Array(await tarGz(files))
  const put = await fetch((version['upload'] as { url: string }).url, { method: 'PUT', body })
  if (!put.ok) throw new Error(await put.text())
  const environment = [{ name: 'WORD', value: word, isSecret: true }]
  const service = await succeed(
    admin,
    'createService',
    { ...named('service'), description: text, backend: { process: { versionId, environment } } },
    'service { id }',
  )
  const queueId = idIn(
    await succeed(
      admin,
      'createService',
      {
        ...named('queue'),
        organizationId,
        description: text,
        backend: {
          queue: {
            functions: [{ description: text, parametersSchema: { title: word } }],
            timeoutSeconds: 86_400,
          },
        },
      },
      'service { id }',
    ),
    'service',
  )
  const serviceIds = [idIn(service, 'service')]
  const route = await succeed(
    admin,
    'createRoute',
    { ...named('route'), ...chosen('route'), deploymentId, serviceIds },
    'route { id }',
  )
  const plain: Record<string, string> = {}
  const others = ['Organization', 'Deployment', 'Upload'] // which have more than texts
  for (const type of plainTypes.filter((name) => !others.includes(name))) {
    const noun = fieldOf(type)
    const input = takenBy(type, { ...named(noun), description: text, text })
    plain[type] = idIn(await succeed(admin, `create${type}`, input, `${noun} { id }`), noun)
  }
  const jobId = await doneJob(admin, queueId, plain['Project'] ?? '', word)
  const upload = await succeed(admin, 'createUpload', { name: text }, 'upload { id url }')
  const token = await succeed(admin, 'createToken', { name: text, role: 'VIEWER' }, 'token { id }')
  const person = { email: `${word}@example.com`, password: `${word} ${word}` }
  const { membership } = await succeed(
    admin,
    'setMember',
    { ...person, name: text, role: 'ADMIN' },
    'membership { user { id } }',
  )
  const { invitation } = await succeed(
    admin,
    'setMember',
    { email: `invited-${word}@example.com`, name: text, role: 'VIEWER' },
    'invitation { id }',
  )
  const signedIn = await succeed(app.stranger, 'signIn', person, 'secret')
  const ids: Record<string, string> = {
    ...plain,
    Organization: organizationId,
    Deployment: deploymentId,
    DeploymentVersion: versionId,
    ProcessService: idIn(service, 'service'),
    QueueService: queueId,
    Job: jobId,
    Route: idIn(route, 'route'),
    Upload: idIn(upload, 'upload'),
    Token: idIn(token, 'token'),
    User: (membership as { user: { id: string } }).user.id,
    Invitation: (invitation as { id: string }).id,
  }
  const serviceId = ids['ProcessService'] ?? ''
  await becomes(admin, serviceId, 'READY')
  await until(async () => {
    const log = await send(
      admin,
      `{ service(id: "${serviceId}") { logs { nodes { text source } } } }`,
    )
    return JSON.stringify(log).includes(`"${word}"`)
  })
  await becomes(admin, queueId, 'READY') // its worker has been seen
  Object.assign(ids, await idsOfParts(admin, serviceId, jobId))
  const { archive, log, addresses, abeja } = await spelled(admin, ids)
  return {
    word,
    ids,
    handles: ['organization', 'deployment', 'service', 'queue', 'route', ...Object.keys(plain)].map(
      (noun) => `${word}-${fieldOf(noun)}`,
    ),
    addresses,
    abeja,
    person,
    urls: { upload: (upload['upload'] as { url: string }).url, archive, log },
    viewers: {
      ADMIN: admin,
      DEVELOPER: app.client(await secretOf('DEVELOPER')),
      VIEWER: app.client(await secretOf('VIEWER')),
      WORKER: app.client(await secretOf('WORKER')),
      project: app.client(await secretOf('ADMIN', { projectId: ids['Project'] })),
      person: app.client(signedIn['secret'] as string),
    },
  }
}

/** What has ids of its own and is made by no mutation: the parts of a service and of a job, and who did the job. */
async function idsOfParts(admin: Client, service: string, job: string) {
  const { data } = await send(
    admin,
    `query ($service: ID!, $job: ID!) {
      service(id: $service) { ... on ProcessService { instances { id } } }
      job(id: $job) { attempts { id } service { ... on QueueService { workers { id } } } }
    }`,
    { service, job },
  )
  const read = data as {
    service: { instances: { id: string }[] }
    job: { attempts: { id: string }[]; service: { workers: { id: string }[] } }
  }
  return {
    Instance: read.service.instances[0]?.id ?? '',
    JobAttempt: read.job.attempts[0]?.id ?? '',
    Worker: read.job.service.workers[0]?.id ?? '',
  }
}

/** A job that was done, with all that a job can have; each text of it holds the word. */
async function doneJob(
  admin: Client,
  serviceId: string,
  projectId: string,
  word: string,
): Promise<string> {
  const submitted = await succeed(
    admin,
    'submitJob',
    {
      serviceId,
      parameters: { word },
      lane: word,
      labels: [{ name: word, value: word }],
      addresses: [`abeja:${word}-job`],
      annotations: [{ front: 'TOPCHEF', value: { word } }],
      projectId,
      idempotencyKey: `${word}-job`,
    },
    'job { id }',
  )
  const claimed = await succeed(
    admin,
    'claimJobs',
    { serviceIds: [serviceId], worker: word, claimId: word, version: word },
    'leases { fence job { id } }',
  )
  const [lease] = claimed['leases'] as { fence: string; job: { id: string } }[]
  const held = { jobId: lease?.job.id, fence: lease?.fence }
  await succeed(admin, 'appendJobLog', { ...held, firstLine: 1, lines: [word] }, 'nextLine')
  const beats = [{ ...held, fraction: 0.5, message: word }]
  await succeed(admin, 'heartbeatJobs', { worker: word, jobs: beats }, '__typename')
  await succeed(admin, 'completeJob', { ...held, result: { word } }, '__typename')
  return idIn(submitted, 'job')
}

/** What fronts call the objects with these ids, and where the archive of the version and the log of the service among them are. */
async function spelled(
  admin: Client,
  ids: Readonly<Record<string, string>>,
): Promise<{ addresses: string[]; archive: string; log: string; abeja: Record<string, string> }> {
  const { data } = await send(
    admin,
    `query ($ids: [ID!]!) { nodes(ids: $ids) {
      ... on Addressable { addresses { front text } address(front: ABEJA) }
      ... on DeploymentVersion { archive { downloadUrl } }
      ... on ProcessService { logDownloadUrl } } }`,
    { ids: Object.values(ids) },
  )
  const nodes = (data?.['nodes'] ?? []) as {
    addresses?: { front: string; text: string }[]
    address?: string | null
    archive?: { downloadUrl: string }
    logDownloadUrl?: string
  }[]
  return {
    addresses: nodes.flatMap(({ addresses = [] }) =>
      addresses.map(({ front, text }) => `${front.toLowerCase()}:${text}`),
    ),
    abeja: Object.fromEntries(
      Object.keys(ids).map((type, place) => [type, nodes[place]?.address ?? '']),
    ),
    archive: nodes.find(({ archive }) => archive !== undefined)?.archive?.downloadUrl ?? '',
    log: nodes.find(({ logDownloadUrl }) => logDownloadUrl)?.logDownloadUrl ?? '',
  }
}

/**
 * All that one may read without naming anything, and all objects of these organizations: of each field the answer,
 * and what went wrong. Several operations, because one may not ask for so much.
 */
export async function everything(
  client: Client,
  ...tenants: readonly Tenant[]
): Promise<{ data: Data; errors: readonly object[] }> {
  const answers = await Promise.all(partsOf(tenants).map((part) => send(client, `{ ${part} }`)))
  return {
    data: Object.assign({}, ...answers.map(({ data }) => data)) as Data,
    errors: answers.flatMap(({ errors = [] }) => errors),
  }
}

function partsOf(tenants: readonly Tenant[]): string[] {
  const depth = { objects: 2, connections: 1 }
  const roots = fieldsOf(schema.getQueryType() as never)
    .filter(
      ({ args }) => !args.some((arg) => isRequiredArgument(arg) && /ID\b/.test(String(arg.type))),
    )
    .map(
      (field) =>
        `${field.name}${argumentsOf(field)} ${selectionOf(getNamedType(field.type), depth)}`,
    )
  const nodes = tenants.flatMap(({ ids }, place) =>
    nodeTypes.map(
      (type) =>
        `${type.name}_${place}: node(id: "${ids[type.name]}") { ... on ${type.name} ${selectionOf(type, depth)} }`,
    ),
  )
  return [...roots, ...nodes]
}
