/** Projects: folders of an organization, and what a token can be confined to. */
export { projectById, projectNamed } from './store.ts'
export { ProjectType } from './types.ts'
