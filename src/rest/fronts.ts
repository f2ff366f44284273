import * as built from './built.ts'

/** The fronts that are built, in the order of their names. */
export const fronts = Object.values(built)

export type FrontName = (typeof fronts)[number]['name']
/** A front's name as it is written in paths, addresses and metrics. */
export type FrontWord = Lowercase<FrontName>

export const wordOf = (front: FrontName): FrontWord => front.toLowerCase() as FrontWord // of the same letters

export const frontNames: readonly FrontName[] = fronts.map(({ name }) => name)
export const frontWords: readonly FrontWord[] = frontNames.map(wordOf)

export const isFrontName = (text: string | undefined): text is FrontName =>
  frontNames.some((name) => name === text)

/** The front that a word names. */
export const frontCalled = (word: string): (typeof fronts)[number] | undefined =>
  fronts.find(({ name }) => wordOf(name) === word)
