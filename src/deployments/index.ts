/** Deployments: code that can be served, version by version. */
export * from './deployment.ts'
export { archiveKey } from './archive.ts'
export {
  EnvironmentVariableInput,
  EnvironmentVariableType,
  type LayeredVariable,
} from './environment.ts'
export { environmentRule } from './rules.ts'
export { deploymentColumns, type PartialDeployment } from './columns.ts'
export { deploymentOf, versionOf } from './store.ts'
export { DeploymentType, VersionType } from './types.ts'
export { archiveOf, checkAgain, clearChecks, giveUpChecks, receiveArchive } from './receive.ts'
