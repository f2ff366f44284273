import { prepareTemplate } from './template.ts'

/** Once per run, before all tests: the database that every test file gets a copy of. */
export default prepareTemplate
