import type { Load } from '../load.ts'
import type { Post, Stage } from '../stage.ts'

/** What a fault is done in. */
export interface Scene {
  readonly stage: Stage
  readonly load: Load
  /** From 0 to 1, as the seed says. */
  readonly chance: () => number
}

/** What was made to fail. */
export interface Injury {
  heal(): Promise<void>
  /** What was promised besides, and not kept; asked when all has healed. */
  after?(): Promise<readonly string[]>
}

/** Something that fails and comes back. */
export interface Fault {
  readonly name: string
  readonly on: readonly Stage['kind'][]
  /** Whether this machine and this stage have what it needs; absent: they do. */
  readonly isPossible?: (stage: Stage) => boolean
  /** How long it is left so. */
  readonly holdMs: number
  /** Whether no write can succeed meanwhile, which `/readyz` must say. */
  readonly isOutage?: true
  /** Whether a program cannot print meanwhile: what it prints is a file on a disk that is full. */
  readonly keepsPrints?: false
  begin(scene: Scene): Promise<Injury>
}

/** The first server, which every stage has. */
export function firstPost({ posts: [post] }: Stage): Post {
  if (post === undefined) throw new Error('There is no server.')
  return post
}

export const both = ['embedded', 'postgres'] as const
export const embedded = ['embedded'] as const
export const postgres = ['postgres'] as const
