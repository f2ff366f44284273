import { InMemoryCache, type Cache, type Reference } from '@apollo/client'

/**
 * A normalised cache in which an older copy of an object never overwrites a newer one: answers overtake each other,
 * and a copy with a lower `revision` is older. What only the older copy has is added all the same.
 */
export class RevisionCache extends InMemoryCache {
  override write(options: Cache.WriteOptions): Reference | undefined {
    const kept = [...objectsIn(options.result)].flatMap((object) => this.#newerThan(object))
    if (kept.length === 0) return super.write(options)
    return this.batch({
      update: () => {
        const written = super.write(options)
        for (const { id, fields } of kept)
          this.modify({
            id,
            fields: (value, { storeFieldName }) =>
              fields.has(storeFieldName) ? fields.get(storeFieldName) : value,
          })
        return written
      },
    })
  }

  /** What the cache has of this object, if that is newer. */
  #newerThan(object: LiveObject): { id: string; fields: Map<string, unknown> }[] {
    const id = this.identify({ ...object })
    const fields = new Map<string, unknown>()
    this.modify({
      ...(id === undefined ? {} : { id }),
      fields(value: unknown, { storeFieldName }) {
        fields.set(storeFieldName, value)
        return value
      },
    })
    const revision = fields.get('revision')
    const isNewer = typeof revision === 'number' && revision > object.revision
    return id !== undefined && isNewer ? [{ id, fields }] : []
  }
}

interface LiveObject {
  readonly __typename: string
  readonly id: string
  readonly revision: number
}

/** The objects of a result that have a revision, however deep. */
function* objectsIn(value: unknown): Generator<LiveObject> {
  if (typeof value !== 'object' || value === null) return
  if (isLive(value)) yield value
  for (const part of Object.values(value)) yield* objectsIn(part)
}

const isLive = (value: object): value is LiveObject =>
  'revision' in value &&
  typeof value.revision === 'number' &&
  '__typename' in value &&
  'id' in value
