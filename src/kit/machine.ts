/**
 * State machines as data: every state with the events it answers to and where each leads. The enum, the
 * legal moves and the WHERE clause of the compare-and-set all come from the one table.
 */
type Moves = Readonly<Record<string, Readonly<Record<string, string>>>>

export type StateOf<M> = M extends Machine<infer Table> ? keyof Table & string : never
type EventIn<Table> = { [State in keyof Table]: keyof Table[State] & string }[keyof Table]
export type EventOf<M> = M extends Machine<infer Table> ? EventIn<Table> : never

export interface Machine<Table extends Moves> {
  readonly states: readonly (keyof Table & string)[]
  readonly initial: keyof Table & string
  /** States that no event leaves. */
  readonly final: readonly (keyof Table & string)[]
  readonly transitions: readonly { from: string; to: string; event: string }[]
  /** The states from which `event` is legal: what a compare-and-set may find. */
  from(event: EventIn<Table>): readonly (keyof Table & string)[]
  /** Where `event` leads from `state`, or undefined when it is not legal there. */
  after(state: keyof Table & string, event: EventIn<Table>): (keyof Table & string) | undefined
  /** The events that are legal in `state`. */
  allowed(state: keyof Table & string): readonly EventIn<Table>[]
}

/** Builds a machine from its table; the first state is the initial one. */
export function machine<const Table extends Moves>(table: Table): Machine<Table> {
  type State = keyof Table & string
  const states = Object.keys(table) as State[]
  const row = (state: State): Readonly<Record<string, string>> => table[state] ?? {}
  const [initial] = states
  if (initial === undefined) throw new Error('A state machine needs at least one state.')
  for (const state of states)
    for (const [event, to] of Object.entries(row(state)))
      if (!(to in table)) throw new Error(`${state} --${event}--> ${to}: no such state.`)
  return {
    states,
    initial,
    final: states.filter((state) => Object.keys(row(state)).length === 0),
    transitions: states.flatMap((from) =>
      Object.entries(row(from)).map(([event, to]) => ({ from, to, event })),
    ),
    from: (event) => states.filter((state) => event in row(state)),
    after: (state, event) => row(state)[event],
    allowed: (state) => Object.keys(row(state)),
  }
}
