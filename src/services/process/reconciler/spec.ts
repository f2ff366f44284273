import { addressFor } from '../../../addresses/index.ts'
import type { Platform } from '../../../context.ts'
import { archiveKey, DeploymentId, isNodeImage } from '../../../deployments/index.ts'
import type { Deployment, DeploymentVersion, Service } from '../../../generated/prisma/client.ts'
import { organizations } from '../../../organizations/index.ts'
import { StartFailed, type InstanceSpec, type Program } from '../../../ports/runtime/runtime.ts'
import { fronts } from '../../../rest/fronts.ts'
import { pageOrigin } from '../page.ts'
import { ServiceId } from '../../service.ts'
import { serviceSecret } from '../token.ts'
import { whyNotHere } from '../walls.ts'

/** What an instance is made of. */
export interface InstanceLaunch {
  readonly service: Service
  readonly deployment: Deployment
  readonly version: DeploymentVersion
}

/**
 * What the runtime is told to run: the version's source and program, and the environment layer by layer. Throws StartFailed
 * also where the organization may not run processes here.
 */
export async function specOf(
  platform: Platform,
  key: string,
  { service, deployment, version }: InstanceLaunch,
): Promise<Omit<InstanceSpec, 'user'>> {
  const { storage, signer, server } = platform
  const sha256 = version.archiveSha256
  if (sha256 === null) throw new StartFailed(`Version "${version.label}" has no archive.`)
  const why = await whyNotHere(platform, service.organizationId)
  if (why !== undefined) throw new StartFailed(why)
  const program = programOf(version)
  const token = serviceSecret(signer, service.id)
  return {
    key,
    program,
    size: service.instanceType,
    source: {
      sha256,
      async open() {
        const object = await storage.get(archiveKey(sha256))
        if (object === undefined)
          throw new StartFailed(`The archive of version "${version.label}" is gone.`)
        return object.body
      },
    },
    environment: {
      ...(program.kind === 'python'
        ? await promised(platform, service.organizationId, program.handler, token)
        : {}),
      ...layer(deployment.environment),
      ...layer(version.parameters),
      ...layer(service.environment),
      MILLRACE_URL: server.url,
      MILLRACE_TOKEN: token,
      MILLRACE_SERVICE_ID: ServiceId.text(service.id),
      ...addresses(platform, service.id, deployment.id),
      MILLRACE_DEPLOYMENT_ID: DeploymentId.text(deployment.id),
    },
  }
}

/** Where a service is called from outside: with the path that it does not see, and at its own host where it has one. */
function addresses(
  { config, server }: Platform,
  serviceId: string,
  deploymentId: string,
): Record<string, string> {
  const origin = config.publicUrl ?? server.url
  const page = pageOrigin(config, origin, serviceId)
  return {
    MILLRACE_SERVICE_URL: `${origin}/deployments/${DeploymentId.text(deploymentId)}/services/${ServiceId.text(serviceId)}`,
    ...(page === undefined ? {} : { MILLRACE_PAGE_URL: `${page}/` }),
  }
}

/** What the contracts of fronts promise Python's handlers, for those that call the platform. */
async function promised(
  platform: Platform,
  organizationId: string,
  handler: string,
  token: string,
): Promise<Record<string, string>> {
  const organization = await platform.database.prisma.organization.findUniqueOrThrow({
    where: { id: organizationId },
    select: { id: true, serial: true, handle: true },
  })
  const layers = fronts.map(async ({ name, handlerEnvironment }) => {
    if (handlerEnvironment === undefined) return {}
    const address = await addressFor(platform, organizations, name, organization)
    const { handle } = organization
    return handlerEnvironment({ url: platform.server.url, handle, address, token, handler })
  })
  return Object.assign({}, ...(await Promise.all(layers)))
}

/** One layer of variables, as the columns hold them. */
function layer(column: unknown): Record<string, string> {
  const variables = column as readonly { name: string; value: string }[] // what withVariables made
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]))
}

function programOf({ image, handler, command }: DeploymentVersion): Program {
  if (command !== null) return { kind: 'command', command }
  return { kind: isNodeImage(image) ? 'node' : 'python', handler: handler ?? 'main:handler' }
}
