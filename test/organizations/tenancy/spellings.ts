import { uuidOf } from '../../../testkit/fronts/topchef.ts'
import { toHex16 } from '../../../src/kit/permute.ts'
import type { Tenant } from './tenant.ts'

/** How an object is named, and a name of the same form that nothing has. */
export interface Spelling {
  readonly foreign: string
  readonly absent: string
}

const NOBODY = '01h455vb4pex5vsknk084sn02q'
const NO_UUID = '01890000-0000-7000-8000-000000000000'
const FAR = 999_999_999n

/** All names of a tenant's objects, but those which are names of the other's too, in a kind of their own. */
export const spellingsOf = ({ ids, handles, addresses, word }: Tenant, other: Tenant): Spelling[] =>
  [...Object.values(ids), ...handles, ...addresses]
    .filter((name) => !other.addresses.includes(name))
    .map((foreign) => ({ foreign, absent: nobody(foreign, word) }))

/** What the ABEJA front calls their object of a type. */
export const abejaNameOf = ({ abeja, word }: Tenant, type: string): Spelling => {
  const foreign = abeja[type] ?? ''
  return { foreign, absent: nobody(`:${foreign}`, word).slice(1) }
}

/** What the TopChef front calls their object of a type. */
export const topchefNameOf = ({ ids }: Tenant, type: string): Spelling => ({
  foreign: uuidOf(ids[type] ?? ''),
  absent: NO_UUID,
})

/** A name like this one that nothing has. */
function nobody(name: string, word: string): string {
  if (name.includes(word)) return name.replace(word, 'nothing')
  const absent = name
    .replace(/_[0-9a-z]{26}(?=$|\.\d+$)/, `_${NOBODY}`)
    .replace(/:[1-9]\d{12}$/, `:${1_000_000_000_000n + FAR}`)
    .replace(/:\d{1,9}$/, `:${FAR}`)
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, NO_UUID)
    .replace(/[0-9a-f]{16}$/, toHex16(FAR))
  if (absent === name) throw new Error(`Say what is like ${name} and names nothing.`)
  return absent
}

/** What is said of an object, without its name, which is told with or without the front whose it is. */
export function said(answer: string, name: string): string {
  const [, bare = ''] = /^[a-z]+:(.{6,})$/.exec(name) ?? []
  const rest = answer.replaceAll(name, '<name>')
  return bare === '' ? rest : rest.replaceAll(bare, '<name>')
}

/** What of a tenant is in a text: nothing should be. */
export const leaks = (text: string, { word, ids }: Tenant): string[] =>
  [word, ...Object.values(ids)].filter((secret) => text.includes(secret))

/** Texts that their objects are found by, and texts that find nothing. */
export const wordsOf = ({ word, handles, person }: Tenant): Spelling[] =>
  [word, `${word} seed`, person.email, ...handles].map((foreign) => ({
    foreign,
    absent: nobody(foreign, word),
  }))

/** What of theirs a new object might be called, by the name of the input field; each must be free elsewhere. */
export const namesLike = ({ word, person }: Tenant, noun: string): Record<string, Spelling> => {
  const like = (foreign: string): Spelling => ({ foreign, absent: nobody(foreign, word) })
  return {
    handle: like(`${word}-${noun}`),
    addresses: like(`abeja:${word}-${noun}`),
    label: like(`${word}-1`),
    email: like(person.email),
    idempotencyKey: like(`${word}-${noun}`),
  }
}
