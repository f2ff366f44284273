import { removeKept } from './database.ts'
import { prepareTemplate } from './template.ts'

/** Once per run: before all tests the database that every test file gets a copy of, after them no trace of theirs. */
export default async function prepare(): Promise<() => Promise<void>> {
  await prepareTemplate()
  return removeKept
}
