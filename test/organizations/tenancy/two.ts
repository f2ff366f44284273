import { testApp, type TestApp } from '../../../testkit/app.ts'
import type { Own } from './positions.ts'
import { seedTenant, type Tenant } from './tenant.ts'

/** Two organizations of one server, and what a caller of `ours` names where nothing of theirs is asked about. */
export interface TwoTenants {
  readonly app: TestApp
  readonly theirs: Tenant
  readonly ours: Tenant
  readonly own: Own
}

/** On a server that lets everything be asked at once. */
export async function twoTenants(): Promise<TwoTenants> {
  const app = await testApp({
    MAX_TOKENS: '1000000',
    MAX_DEPTH: '200',
    MAX_ALIASES: '100000',
    MAX_COST: '1000000000',
    OPERATIONS_PER_SECOND: '0',
  })
  const theirs = await seedTenant(app, 'zebrafish')
  const ours = await seedTenant(app, 'quokkalike')
  const own = {
    deploymentId: ours.ids['Deployment'] ?? '',
    versionId: ours.ids['DeploymentVersion'] ?? '',
    serviceId: ours.ids['ProcessService'] ?? '',
    jobId: ours.ids['Job'] ?? '',
    projectId: ours.ids['Project'] ?? '',
    rootId: ours.ids['Job'] ?? '',
    userId: ours.ids['User'] ?? '',
    id: ours.ids['ProcessService'] ?? '', // where another position of the input is asked about
    ...ours.person,
    text: theirs.word,
    instanceType: 'cpu-1',
  }
  return { app, theirs, ours, own }
}
