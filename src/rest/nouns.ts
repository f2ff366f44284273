/** How one front spells the ids of one kind of object when nobody chose a spelling. */
export interface Spelling {
  write(row: { readonly id: string; readonly serial: bigint }): string
  /** The serial, or the key, behind a spelling; undefined when it is none. */
  read(text: string): bigint | string | undefined
}

/** What one front calls objects of one kind. */
export interface Noun {
  readonly spelling: Spelling
  /**
   * Where it answers GET for one, behind its prefix: `:id` stands for the object's own id, `:deployment` for that of
   * the deployment it belongs to. The objects in front of its own id, with "/" between, may also stand in front of
   * the id in an address. Absent where it has ids of such objects but shows none.
   */
  readonly path?: string
  /** Columns with the values of those that it has a word for; all when absent. */
  readonly where?: Readonly<Record<string, string | boolean>>
  /** A noun: it has a word for those alone that belong to one of these that it has a word for. */
  readonly of?: string
}

export type Nouns = Readonly<Record<string, Noun>>

/** The nouns of the objects in front of an object's own id. */
export const placesIn = ({ path = '' }: Noun): string[] =>
  Array.from(path.matchAll(/:(\w+)/g), ([, noun = '']) => noun).filter((noun) => noun !== 'id')
