import type { Nouns, Spelling } from '../nouns.ts'

/** The key itself, in the usual way of writing it (contract 3). */
const uuid: Spelling = {
  write: ({ id }) => id,
  read: (text) => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined),
}

export const nouns: Nouns = {
  service: {
    spelling: uuid,
    path: '/services/:id',
    where: { kind: 'QUEUE', isBuiltIn: false },
  },
  job: { spelling: uuid, path: '/jobs/:id', of: 'service' },
}
