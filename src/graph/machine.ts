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
  description: 'One legal move of a state machine; the same table guards the database.',
  fields: (t) => ({
    from: t.exposeString('from', { description: 'The state it leaves.' }),
    to: t.exposeString('to', { description: 'The state it leads to.' }),
    event: t.exposeString('event', { description: 'What moves it.' }),
  }),
})

export const StateMachineType: ObjectRef<typeof builder.$inferSchemaTypes, PublishedMachine> =
  builder.objectRef<PublishedMachine>('StateMachine').implement({
    description: 'A published state machine.',
    fields: (t) => ({
      type: t.exposeString('type', { description: 'The type whose `status` it is.' }),
      initial: t.exposeString('initial', { description: 'The state of a new one.' }),
      final: t.stringList({
        description: 'The states that nothing leaves; empty where there is always a way on.',
        resolve: ({ final }) => [...final],
      }),
      transitions: t.field({
        type: [TransitionType],
        description: 'Every legal move.',
        resolve: ({ transitions }) => [...transitions],
      }),
    }),
  })
