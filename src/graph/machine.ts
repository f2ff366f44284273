import type { ObjectRef } from '@pothos/core'
import { builder } from '../builder.ts'

interface Transition {
  readonly from: string
  readonly to: string
  readonly event: string
}

/** A state machine with the type it belongs to. */
export interface PublishedMachine {
  readonly type: string
  readonly initial: string
  readonly final: readonly string[]
  readonly transitions: readonly Transition[]
}

/** All that were published, by type. */
export const machines = new Map<string, PublishedMachine>()

/** Publishes the states of a type: the very table that its mutations are guarded by. */
export function hasStates(type: string, table: Omit<PublishedMachine, 'type'>): void {
  const { initial, final, transitions } = table
  machines.set(type, { type, initial, final, transitions })
}

const TransitionType = builder.objectRef<Transition>('Transition').implement({
  description: 'One legal transition of a state machine.',
  fields: (t) => ({
    from: t.exposeString('from', { description: 'State before the transition.' }),
    to: t.exposeString('to', { description: 'State after the transition.' }),
    event: t.exposeString('event', {
      description: 'Name of the event that causes the transition.',
    }),
  }),
})

export const StateMachineType: ObjectRef<typeof builder.$inferSchemaTypes, PublishedMachine> =
  builder.objectRef<PublishedMachine>('StateMachine').implement({
    description:
      'The states of a type and the legal transitions between them. The server enforces the same table in the database.',
    fields: (t) => ({
      type: t.exposeString('type', {
        description: 'Name of the type whose `status` field follows this machine, such as `Job`.',
      }),
      initial: t.exposeString('initial', { description: 'State of a new object.' }),
      final: t.stringList({
        description:
          'Final states, which have no transition to another state. Empty where every state can be left.',
        resolve: ({ final }) => [...final],
      }),
      transitions: t.field({
        type: [TransitionType],
        description: 'Every legal transition.',
        resolve: ({ transitions }) => [...transitions],
      }),
    }),
  })
