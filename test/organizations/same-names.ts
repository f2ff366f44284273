import { graphql } from '../../testkit/generated/index.ts'
import type { TestApp } from '../../testkit/app.ts'
import { Client } from '../../testkit/client.ts'
import { CreateDeployment } from '../../testkit/operations/deployments.ts'
import { CreateOrganization } from '../../testkit/operations/organizations.ts'
import { CreateRoute } from '../../testkit/operations/routes.ts'
import { CreateService } from '../../testkit/operations/services.ts'
import { succeeded } from '../../testkit/outcome.ts'
import { seedVersion } from '../../testkit/seed/services.ts'

const CreateProject = graphql(`
  mutation NamesCreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      __typename
      ... on CreateProjectSuccess {
        project {
          id
        }
      }
      ...Problem
    }
  }
`)
export const Service = graphql(`
  query NamesService($id: ID!) {
    service(id: $id) {
      id
      address(front: TOPCHEF)
    }
  }
`)
export const Project = graphql(`
  query NamesProject($id: ID!) {
    project(id: $id) {
      id
    }
  }
`)

/** What one organization has. */
export interface Owned {
  readonly id: string
  readonly echo: string
  readonly prod: string
  readonly web: string
  readonly main: string
  readonly lab: string
  readonly uuid: string
}

/**
 * The admin is a person of two organizations, `acme` and `beta`, in each of which there is a service `echo`, a
 * deployment `prod` with a service `web`, a route `main` and a project `lab`.
 */
export async function owned(admin: Client, handle: string): Promise<Owned> {
  const { createOrganization } = await admin.request(CreateOrganization, {
    input: { name: handle, handle, addresses: [`abeja:${handle}`, 'topchef:shared'] },
  })
  const { id: organizationId } = succeeded(
    createOrganization,
    'CreateOrganizationSuccess',
  ).organization
  const called = (name: string) => ({ name, handle: name, organizationId })

  const queue = { queue: { functions: [{ name: 'default' }] } }
  const echo = await admin.request(CreateService, { input: { ...called('echo'), backend: queue } })
  const { id } = succeeded(echo.createService, 'CreateServiceSuccess').service
  const { service } = await admin.request(Service, { id })

  const { createDeployment } = await admin.request(CreateDeployment, {
    input: { ...called('prod'), addresses: ['topchef:prod'] },
  })
  const { id: prod } = succeeded(createDeployment, 'CreateDeploymentSuccess').deployment
  const files = { 'main.mjs': 'export const handler = () => new Response("web")' }
  const versionId = await seedVersion(admin, prod, files, { image: 'node' })
  const process = { versionId, scale: { desired: 1 } }
  const web = await admin.request(CreateService, {
    input: { ...called('web'), backend: { process } },
  })

  const { createProject } = await admin.request(CreateProject, { input: called('lab') })
  const { createRoute } = await admin.request(CreateRoute, {
    input: { name: 'main', handle: 'main', deploymentId: prod, serviceIds: ['web'] },
  })
  return {
    id: organizationId,
    echo: id,
    uuid: service?.address ?? '',
    prod,
    web: succeeded(web.createService, 'CreateServiceSuccess').service.id,
    main: succeeded(createRoute, 'CreateRouteSuccess').route.id,
    lab: succeeded(createProject, 'CreateProjectSuccess').project.id,
  }
}

export const basic = (name: string, token: string | undefined): string =>
  `Basic ${Buffer.from(`${name}:${token ?? ''}`).toString('base64')}`

/** Says as the user name of Basic in which organization it acts. */
class Choosing extends Client {
  readonly name: string
  constructor(url: string, name: string, token: string | undefined) {
    super(url, token)
    this.name = name
  }
  override get headers(): Record<string, string> {
    return { authorization: basic(this.name, this.token) }
  }
}

/** Who has this credential, the admin's where none is given, and acts in the organization of this name. */
export const choosing = (app: TestApp, name: string, token = app.admin.token): Client =>
  new Choosing(app.url, name, token)
