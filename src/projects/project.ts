import type { Naming, Spelling } from '../addresses/index.ts'
import { ProjectId } from '../organizations/index.ts'

/** Auger's ids: whole numbers (contract auger 3). */
const decimal: Spelling = {
  write: ({ serial }) => String(serial),
  read: (text) => (/^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined),
}

export const projectNaming: Naming = {
  kind: ProjectId,
  noun: 'project',
  spellings: { AUGER: decimal },
}
