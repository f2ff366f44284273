import { follow } from '../../streams/follow.ts'
import type { Client } from '../../../testkit/client.ts'
import { CreateDeployment } from '../../../testkit/operations/deployments.ts'
import { OrganizationChanged, Viewer } from '../../../testkit/operations/organizations.ts'
import { succeeded } from '../../../testkit/outcome.ts'
import { until } from '../../../testkit/until.ts'

/** An organization and a deployment in it. */
export interface Normal {
  readonly organizationId: string
  readonly deploymentId: string
}

/** A query and a mutation that must succeed. */
export async function makeNormal(client: Client): Promise<Normal> {
  const { viewer } = await client.request(Viewer)
  const organizationId = viewer.organization.id
  const input = { name: 'normal', organizationId }
  const { createDeployment } = await client.request(CreateDeployment, { input })
  const { deployment } = succeeded(createDeployment, 'CreateDeploymentSuccess')
  return { organizationId, deploymentId: deployment.id }
}

/** A query, mutations and a subscription do what they always do. */
export async function worksAsBefore(client: Client): Promise<void> {
  const { organizationId } = await makeNormal(client)
  const following = follow(client, OrganizationChanged, { organizationId })
  await until(async () => {
    if (following.error !== undefined) throw new Error(JSON.stringify(following.error))
    await makeNormal(client) // until one is after the beginning of the subscription
    return following.results.some(({ data }) => data?.organizationChanged !== undefined)
  })
  following.stop()
  await until(() => following.over)
}
