/** Projects: folders of an organization, and what a token can be confined to. */
export { projectNamed } from './store.ts'
