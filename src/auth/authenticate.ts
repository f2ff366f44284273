import { LRUCache } from 'lru-cache'
import { Prisma } from '../generated/prisma/client.ts'
import type { Role } from '../generated/prisma/enums.ts'
import type { FrontName } from '../rest/fronts.ts'
import type { Database } from '../db/database.ts'
import { Unauthenticated } from '../kit/errors.ts'
import { DEFAULT_HANDLE } from '../kit/names.ts'
import type { Credential } from './credential.ts'
import { rightsByHash, rightsByKeys, rightsOfAdmin, viewerOf, type RightsRow } from './rights.ts'
import { hashSecret } from './secrets.ts'
import { anonymous, type Viewer } from './viewer.ts'

/** How old what is remembered of a credential may be. */
const KEPT_MS = 1_000
/** Credentials remembered at once. */
const MAX_KEPT = 10_000

/** What decides over callers who bring no credential that is known. */
export interface Openness {
  readonly auth: 'open' | 'token'
  readonly openFronts: readonly FrontName[]
  readonly openFrontRole: Role
}

interface Kept {
  readonly viewer: Viewer
  readonly until: number
}

/**
 * Finds out who asks. What a credential is good for is remembered for a second at most, and forgotten at once when
 * somebody's rights change; those who ask with one credential at the same time share a look-up.
 */
export class Authenticator {
  readonly #database: Database
  readonly #openness: Openness
  readonly #kept = new LRUCache<string, Kept>({ max: MAX_KEPT })
  #asking = new Map<string, Promise<Viewer | undefined>>()

  constructor(database: Database, openness: Openness) {
    this.#database = database
    this.#openness = openness
  }

  /**
   * The viewer behind a credential. One that is not known, and none at all, is user `admin` in open mode and an
   * unnamed member of the default organization on an open front; elsewhere an unknown one throws Unauthenticated.
   */
  async viewer(credential: Credential | undefined, front?: FrontName): Promise<Viewer> {
    const known = await this.known(credential)
    if (known !== undefined) return known
    const { auth, openFronts } = this.#openness
    if (auth === 'open')
      return (await this.#remembered('', () => this.#ask(rightsOfAdmin, 'admin'))) ?? anonymous
    if (front !== undefined && openFronts.includes(front))
      return (await this.#remembered(front, () => this.#unnamed(front))) ?? anonymous
    if (credential === undefined) return anonymous
    throw new Unauthenticated('The credential is not known, has expired or was revoked.')
  }

  /** The viewer behind a credential that is known, in every mode; undefined for any other. */
  async known(credential: Credential | undefined): Promise<Viewer | undefined> {
    if (credential?.secret === undefined) return undefined
    const hash = hashSecret(credential.secret)
    return this.#remembered(hash, () => this.#ask(rightsByHash(hash), 'by-hash'))
  }

  /** The viewer whose token or, in open mode, whose user has this id; undefined when it is good for nothing by now. */
  async holding(id: string): Promise<Viewer | undefined> {
    const viewer = await this.#remembered(id, () => this.#ask(rightsByKeys([id]), 'by-key'))
    return viewer?.kind === 'user' && this.#openness.auth !== 'open' ? undefined : viewer
  }

  /** Forgets what is remembered, look-ups that are under way included. */
  forget(): void {
    this.#kept.clear()
    this.#asking = new Map()
  }

  /** What these tokens and users are good for now, by their ids, with one statement; who is absent is good for nothing. */
  async present(keys: readonly string[]): Promise<Map<string, Viewer>> {
    const rows = await this.#database.query<RightsRow>(rightsByKeys(keys), {
      name: 'rights-by-key',
    })
    const present = new Map<string, Viewer>()
    for (const row of rows) {
      const viewer = viewerOf(row)
      if (viewer !== undefined) present.set(row.key, viewer)
    }
    return present
  }

  #remembered(
    key: string,
    look: () => Promise<Kept | undefined>,
  ): Promise<Viewer | undefined> | Viewer {
    const kept = this.#kept.get(key)
    if (kept !== undefined && performance.now() < kept.until) return kept.viewer
    const asking = this.#asking.get(key)
    if (asking !== undefined) return asking
    const askings = this.#asking // another map once this one is forgotten
    const answer = look()
      .then((found) => {
        if (askings === this.#asking) this.#kept.set(key, found)
        return found?.viewer
      })
      .finally(() => askings.delete(key))
    askings.set(key, answer)
    return answer
  }

  async #ask(sql: Prisma.Sql, name: string): Promise<Kept | undefined> {
    const asked = performance.now()
    const [row] = await this.#database.query<RightsRow>(sql, { name: `rights-${name}` })
    const viewer = row && viewerOf(row)
    return viewer && { viewer, until: asked + Math.min(KEPT_MS, row.leftMs ?? KEPT_MS) }
  }

  async #unnamed(front: FrontName): Promise<Kept | undefined> {
    const until = performance.now() + KEPT_MS
    const [row] = await this.#database.query<{ id: string }>(
      Prisma.sql`SELECT id FROM "Organization" WHERE handle = ${DEFAULT_HANDLE}`,
    )
    const role = this.#openness.openFrontRole
    return (
      row && {
        until,
        viewer: { kind: 'front', front, memberships: [{ organizationId: row.id, role }] },
      }
    )
  }
}
