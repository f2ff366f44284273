import type { PatternTree } from './syntax.ts'
import type { Steps } from './steps.ts'

/** States that one automaton may have: a counted repetition has its states as often as it counts. */
export const MAX_STATES = 50_000

type Is = (code: number) => boolean
type Place = Extract<PatternTree, { kind: 'at' }>['place']

type State =
  | { readonly kind: 'char'; readonly is: Is; readonly next: number }
  | { readonly kind: 'fork'; readonly next: readonly number[] }
  | { readonly kind: 'at'; readonly place: Place; readonly next: number }
  | {
      readonly kind: 'look'
      readonly look: Automaton
      readonly isWanted: boolean
      readonly next: number
    }
  | { readonly kind: 'end' }

/** A tree that would have more than MAX_STATES. */
export class TooManyStates extends Error {}

/**
 * Thompson's automaton: it follows all ways through a pattern at once, character by character, so that its steps are at
 * most its states times the characters. A look-around is an automaton of its own, which is asked once of all places: one
 * that looks ahead runs from the end, and what it looks for is written backwards.
 */
export class Automaton {
  readonly #states: State[] = []
  readonly #begin: number
  readonly #isBackward: boolean
  readonly #charOf: (source: string) => Is
  readonly #looks: Automaton[] = []
  /** Which states are there already at this place: the number of the place, counted over all runs. */
  #marks: Float64Array | undefined
  #turn = 0

  constructor(tree: PatternTree, charOf: (source: string) => Is, isBackward = false) {
    this.#charOf = charOf
    this.#isBackward = isBackward
    this.#begin = this.#add(tree, this.#state({ kind: 'end' }))
  }

  get size(): number {
    return this.#looks.reduce((sum, look) => sum + look.size, this.#states.length)
  }

  /** Whether something within the text fits. */
  test(text: Int32Array, steps: Steps): boolean {
    return this.#run(text, steps)
  }

  /** Runs to the first place where it has found something; with `found`, marks every such place and runs to the end. */
  #run(text: Int32Array, steps: Steps, found?: Uint8Array): boolean {
    const looks = new Map(
      this.#looks.map((look) => {
        steps.take(text.length)
        const places = new Uint8Array(text.length + 1)
        look.#run(text, steps, places)
        return [look, places]
      }),
    )
    const marks = (this.#marks ??= new Float64Array(this.#states.length))
    let here: number[] = []
    let isFound = false
    for (let nth = 0; nth <= text.length; nth += 1) {
      const place = this.#isBackward ? text.length - nth : nth
      this.#turn += 1
      const open = here
      open.push(this.#begin)
      here = []
      isFound = false
      let taken = 1
      for (let state = open.pop(); state !== undefined; state = open.pop()) {
        taken += 1
        if (marks[state] === this.#turn) continue
        marks[state] = this.#turn
        const one = this.#states[state] as State // every number is one of a state
        switch (one.kind) {
          case 'char':
            here.push(state)
            break
          case 'fork':
            open.push(...one.next)
            break
          case 'at':
            if (isAt(one.place, text, place)) open.push(one.next)
            break
          case 'look':
            if ((looks.get(one.look)?.[place] === 1) === one.isWanted) open.push(one.next)
            break
          case 'end':
            isFound = true
        }
      }
      steps.take(taken)
      if (isFound && found === undefined) return true
      if (isFound && found !== undefined) found[place] = 1
      if (nth === text.length) break
      const code = text[this.#isBackward ? place - 1 : place] ?? 0
      let kept = 0
      for (const state of here) {
        const one = this.#states[state]
        if (one?.kind === 'char' && one.is(code)) here[kept++] = one.next
      }
      here.length = kept
    }
    return isFound
  }

  #state(state: State): number {
    if (this.#states.length >= MAX_STATES) throw new TooManyStates()
    return this.#states.push(state) - 1
  }

  /** Adds the states of a tree that lead to `next`; answers the first of them. */
  #add(tree: PatternTree, next: number): number {
    switch (tree.kind) {
      case 'char':
        return this.#state({ kind: 'char', is: this.#charOf(tree.source), next })
      case 'sequence': {
        const parts = this.#isBackward ? tree.parts : tree.parts.toReversed()
        return parts.reduce((to, part) => this.#add(part, to), next)
      }
      case 'choice':
        return this.#state({ kind: 'fork', next: tree.parts.map((part) => this.#add(part, next)) })
      case 'repeat':
        return this.#repeat(tree, next)
      case 'at':
        return this.#state({ kind: 'at', place: tree.place, next })
      case 'look': {
        const look = new Automaton(tree.of, this.#charOf, tree.isAhead)
        this.#looks.push(look)
        if (this.size > MAX_STATES) throw new TooManyStates()
        return this.#state({ kind: 'look', look, isWanted: tree.isWanted, next })
      }
    }
  }

  #repeat({ of, min, max }: Extract<PatternTree, { kind: 'repeat' }>, next: number): number {
    if (Math.max(min, Number.isFinite(max) ? max : 0) > MAX_STATES) throw new TooManyStates()
    let first = next
    if (max === Infinity) {
      const ways = [next]
      first = this.#state({ kind: 'fork', next: ways })
      ways.push(this.#add(of, first))
    }
    // an optional one leads past all that follow it, so that however many there are, few are possible at once
    const optional = max === Infinity ? 0 : max - min
    for (let n = 0; n < optional; n += 1)
      first = this.#state({ kind: 'fork', next: [next, this.#add(of, first)] })
    for (let n = 0; n < min; n += 1) first = this.#add(of, first)
    return first
  }
}

function isAt(where: Place, text: Int32Array, place: number): boolean {
  switch (where) {
    case 'begin':
      return place === 0
    case 'end':
      return place === text.length
    case 'boundary':
      return isWord(text[place - 1]) !== isWord(text[place])
    case 'no boundary':
      return isWord(text[place - 1]) === isWord(text[place])
  }
}

const isWord = (code: number | undefined): boolean =>
  code !== undefined &&
  ((code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    (code >= 0x61 && code <= 0x7a))
