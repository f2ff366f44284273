import type { Nouns } from './nouns.ts'

/** Who uses the server through a front: where it is, and the organization that is acted in. */
export interface Access {
  /** Of the server, without a trailing slash. */
  readonly url: string
  /** The organization's handle. */
  readonly handle: string
  /** What the front calls the organization, where it has a word for those. */
  readonly address: string | undefined
  readonly token: string
}

type Environment = Readonly<Record<string, string>>

/** What the rest of the program knows of a front: all but its routes, which whoever serves them loads. */
export interface Descriptor<Name extends string = string, Served = unknown> {
  /** What the API calls it. In paths, addresses and metrics it is written in lower case. */
  readonly name: Name
  /** The old system, as people know it. */
  readonly system: string
  /** What it calls objects, by their nouns. */
  readonly nouns: Nouns
  /** User names by which its clients call themselves: they name no organization. */
  readonly clientNames?: RegExp
  /** A folder that its clients' archives have beside the source. */
  readonly sourceMark?: string
  /** Variables by which its clients find the server. */
  readonly clientEnvironment: (access: Access) => Environment
  /** Variables that its contract promises handlers in Python. */
  readonly handlerEnvironment?: (access: Access & { readonly handler: string }) => Environment
  readonly routes: () => Promise<Served>
}

export const describe = <const Name extends string, Served>(
  front: Descriptor<Name, Served>,
): Descriptor<Name, Served> => front
