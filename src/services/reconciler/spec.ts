import type { Platform } from '../../context.ts'
import { archiveKey, DeploymentId, isNodeImage } from '../../deployments/index.ts'
import type { Deployment, DeploymentVersion, Service } from '../../generated/prisma/client.ts'
import { StartFailed, type InstanceSpec, type Program } from '../../ports/runtime/runtime.ts'
import { ServiceId } from '../service.ts'
import { serviceSecret } from '../token.ts'

/** What the runtime is told to run: the version's source and program, and the environment layer by layer. */
export function specOf(
  { storage, signer, server }: Platform,
  key: string,
  service: Service,
  deployment: Deployment,
  version: DeploymentVersion,
): InstanceSpec {
  const sha256 = version.archiveSha256
  if (sha256 === null) throw new StartFailed(`Version "${version.label}" has no archive.`)
  return {
    key,
    program: programOf(version),
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
      ...layer(deployment.environment),
      ...layer(version.parameters),
      ...layer(service.environment),
      MILLRACE_URL: server.url,
      MILLRACE_TOKEN: serviceSecret(signer, service.id),
      MILLRACE_SERVICE_ID: ServiceId.text(service.id),
      MILLRACE_DEPLOYMENT_ID: DeploymentId.text(deployment.id),
    },
  }
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
