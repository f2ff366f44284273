import { requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Language, RuntimeFacts } from '../ports/runtime/runtime.ts'

interface RuntimeInfo extends Language {
  readonly facts: RuntimeFacts
}

const NAMES = { python: 'PYTHON', node: 'NODE', command: 'COMMAND' } as const

const RuntimeNameType = builder.enumType('RuntimeName', {
  description: 'Kinds of programs that a server can run.',
  values: {
    PYTHON: { description: 'Handlers in Python.' },
    NODE: { description: 'Handlers in JavaScript or TypeScript.' },
    COMMAND: { description: 'Any program that listens on `$PORT`.' },
  } satisfies Record<(typeof NAMES)[keyof typeof NAMES], { description: string }>,
})

const RuntimeInfoType = builder.objectRef<RuntimeInfo>('RuntimeInfo').implement({
  description: 'What this server can run and how: a kind of programs.',
  fields: (t) => ({
    name: t.field({
      type: RuntimeNameType,
      description: 'Kind of programs.',
      resolve: ({ kind }) => NAMES[kind],
    }),
    isAvailable: t.boolean({
      description: 'Whether it can be run.',
      resolve: ({ unavailable }) => unavailable === undefined,
    }),
    version: t.string({
      nullable: true,
      description: 'Of its interpreter, where it has one.',
      resolve: ({ version }) => version ?? null,
    }),
    reason: t.string({
      nullable: true,
      description: 'Why it cannot be run; null where it can.',
      resolve: ({ unavailable }) => unavailable ?? null,
    }),
    isWalled: t.boolean({
      description:
        'Whether each service runs as a user of the operating system of its own, which keeps it from the server and from others.',
      resolve: ({ facts }) => facts.unwalled === undefined,
    }),
    unwalledReason: t.string({
      nullable: true,
      description:
        'Why there is no such wall; null where there is. Then whoever may deploy is trusted with the server.',
      resolve: ({ facts }) => facts.unwalled ?? null,
    }),
  }),
})

builder.queryField('runtimes', (t) =>
  t.field({
    type: [RuntimeInfoType],
    description: 'What this server can run, and whether it is walled. Needs a credential.',
    resolve: (_root, _args, { viewer, runtime }) => {
      requireCredential(viewer)
      return runtime.languages.map((language) => ({ ...language, facts: runtime }))
    },
  }),
)
