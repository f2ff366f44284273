import { basename, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import {
  CliCreateDeploymentDocument,
  CliCreateServiceDocument,
  CliUpdateServiceDocument,
} from '../generated/operations/graphql.ts'
import { done, refused, send, type ServerAccess } from './api.ts'
import { isJson, readWhole, serverOf, talking } from './command.ts'
import { linesOf } from './left-out.ts'
import { answer, note } from './output.ts'
import { programOf, type ProgramChoice } from './program-of.ts'
import { withProcesses, type ShownService } from './service.ts'
import { startService } from './services.ts'
import { settled } from './wait.ts'

interface Variable {
  readonly name: string
  readonly value: string
  readonly isSecret: boolean
}

interface DeployOptions extends ProgramChoice {
  readonly name?: string
  readonly service?: string
  readonly instances?: number
  readonly env?: readonly Variable[]
  readonly secret?: readonly Variable[]
  readonly allowOrigin?: readonly string[]
  readonly version?: string
  readonly wait: boolean
}

/** `deploy`: creates a service from a folder, or updates it. */
export function addDeploy(program: Command): void {
  talking(program.command('deploy'))
    .description('upload a folder and run it as a service')
    .argument(
      '<folder>',
      'folder with your code. Not uploaded: files that .millraceignore names (or .gitignore, if there is no .millraceignore), node_modules, virtual environments of Python, .git, __pycache__, *.pyc and .DS_Store',
    )
    .option('--name <name>', 'name of the deployment (default: the name of the folder)')
    .option('--service <name>', 'name of the service (default: the name of the deployment)')
    .option('--handler <module:function>', 'function that handles requests (default: main:handler)')
    .option(
      '--image <image>',
      'language that runs the code, python or node (default: chosen by the files)',
      readImage,
    )
    .option(
      '--command <command>',
      'command that starts a program that listens on $PORT, instead of a handler',
    )
    .option('--instances <n>', 'number of processes', readWhole(1))
    .option('--env <NAME=value>', 'environment variable; may be repeated', readVariable(false))
    .option(
      '--secret <NAME=value>',
      'environment variable whose value is hidden; may be repeated',
      readVariable(true),
    )
    .option(
      '--allow-origin <origin>',
      'web origin whose pages may call the service from a browser, or * for all; may be repeated',
      readOrigin,
    )
    .option('--version <label>', 'label of the version (default: computed from the content)')
    .option('--no-wait', 'do not wait until the service is ready')
    .action(async (folder: string, options: DeployOptions, command: Command) => {
      const { service, version, isReused } = await deploy(serverOf(command), folder, options)
      const url = new URL(serverOf(command).url)
      answer(
        isJson(command),
        { service, version, reused: isReused },
        () => `${service.handle} is ${service.status}, version ${version.label}${isReused ? ' (unchanged)' : ''}.

  ${withProcesses(service).invokeUrl}
${pageLine(service)}
Call it:            npx millrace invoke ${service.handle} --data '…'
Follow its log:     npx millrace logs ${service.handle} -f
See all services:   npx millrace services          (or open ${url.origin}/graphql)`,
      )
    })
}

async function deploy(server: ServerAccess, folder: string, options: DeployOptions) {
  const { readFolder, mustHaveFiles } = await import('./folder.ts')
  const read = await readFolder(folder)
  linesOf(read).forEach(note)
  mustHaveFiles(folder, read)
  const { entries } = read
  const program = programOf(folder, entries, options)
  const { packFolder } = await import('./pack.ts')
  const { provideVersion } = await import('./version.ts')
  const packed = await packFolder(folder, entries)
  try {
    const name = options.name ?? basename(resolve(folder))
    const deployment = await provideDeployment(server, name)
    const { version, isReused } = await provideVersion(server, {
      deploymentId: deployment.id,
      label: options.version,
      program,
      packed,
    })
    if (isReused) note(`Version ${version.label} already exists; nothing was uploaded.`)
    const leftOut = version.archive?.leftOut ?? []
    if (leftOut.length > 0)
      note(`Left out, as files that macOS adds automatically: ${leftOut.join(', ')}.`)
    const made = await provideService(server, version.id, options.service ?? name, options)
    const service = options.wait ? await settled(server, made, version.id) : made
    return { service, version: { id: version.id, label: version.label }, isReused }
  } finally {
    await packed.remove()
  }
}

/** The deployment of that name: found by its handle, or made. */
async function provideDeployment(server: ServerAccess, name: string) {
  const { slug } = await import('../kit/names.ts')
  const input = { name, handle: slug(name) }
  const { createDeployment } = await send(server, CliCreateDeploymentDocument, { input })
  if (!('existing' in createDeployment)) return done(createDeployment).deployment
  const { existing } = createDeployment
  if (existing === null || !('handle' in existing)) throw refused(createDeployment)
  return existing
}

/** The service of that name, running that version: made, or found by its handle and changed. */
async function provideService(
  server: ServerAccess,
  versionId: string,
  name: string,
  { instances, env = [], secret = [], allowOrigin: origins }: DeployOptions,
): Promise<ShownService> {
  const { slug } = await import('../kit/names.ts')
  const variables = [...env, ...secret]
  const process = {
    versionId,
    scale: instances === undefined ? undefined : { desired: instances },
    environment: variables.length === 0 ? undefined : variables,
    cors: origins === undefined ? undefined : { origins: [...origins] },
  }
  const { createService } = await send(server, CliCreateServiceDocument, {
    input: { name, handle: slug(name), backend: { process } },
  })
  if (!('existing' in createService)) return done(createService).service
  const { existing } = createService
  if (existing === null || !('handle' in existing)) throw refused(createService)
  const { updateService } = await send(server, CliUpdateServiceDocument, {
    input: { id: existing.id, backend: { process } },
  })
  const { service } = done(updateService)
  // what rests has taken the version and waits to be started
  const isResting = ['STOPPING', 'STOPPED', 'FAILED'].includes(service.status)
  return isResting ? startService(server, service) : service
}

function readOrigin(text: string, before: readonly string[] = []): readonly string[] {
  if (text !== '*' && !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i.test(text))
    throw new InvalidArgumentError(
      'Enter scheme, host and port only, for example https://app.example.com.',
    )
  return [...before, text]
}

function readImage(text: string): string {
  if (!/^(?:python|node)(?::|$)/.test(text))
    throw new InvalidArgumentError('Enter python or node. For other programs use --command.')
  return text
}

/** Where its pages are, which few services have besides their calls; nothing where it has no host of its own. */
function pageLine(service: ShownService): string {
  const { pageUrl } = withProcesses(service)
  return pageUrl === null ? '' : `\nOpen its pages:     ${pageUrl}`
}

const readVariable =
  (isSecret: boolean) =>
  (text: string, before: readonly Variable[] = []): readonly Variable[] => {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
    if (name === undefined || value === undefined)
      throw new InvalidArgumentError('Enter a name and a value, for example MODE=fast.')
    return [...before.filter((variable) => variable.name !== name), { name, value, isSecret }]
  }
