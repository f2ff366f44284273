/** Projects: folders of an organization, and what a token can be confined to. */
export { projects } from './project.ts'
export { ProjectType } from './types.ts'
