import { requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import type { Language, RuntimeFacts } from '../ports/runtime/runtime.ts'

interface RuntimeInfo extends Language {
  readonly facts: RuntimeFacts
}

const NAMES = { python: 'PYTHON', node: 'NODE', command: 'COMMAND' } as const

const RuntimeNameType = builder.enumType('RuntimeName', {
  description: 'Kind of program that a server can run.',
  values: {
    PYTHON: { description: 'Handlers in Python.' },
    NODE: { description: 'Handlers in JavaScript.' },
    COMMAND: { description: 'Any program that listens on `$PORT`.' },
  } satisfies Record<(typeof NAMES)[keyof typeof NAMES], { description: string }>,
})

const RuntimeInfoType = builder.objectRef<RuntimeInfo>('RuntimeInfo').implement({
  description: 'A kind of program that this server can run.',
  fields: (t) => ({
    name: t.field({
      type: RuntimeNameType,
      description: 'Kind of program.',
      resolve: ({ kind }) => NAMES[kind],
    }),
    isAvailable: t.boolean({
      description: 'Whether this server can run such programs.',
      resolve: ({ unavailable }) => unavailable === undefined,
    }),
    version: t.string({
      nullable: true,
      description: 'Version of the interpreter, such as `3.11.2`. Null where there is none.',
      resolve: ({ version }) => version ?? null,
    }),
    reason: t.string({
      nullable: true,
      description: 'Why this server cannot run such programs. Null where it can.',
      resolve: ({ unavailable }) => unavailable ?? null,
    }),
    isWalled: t.boolean({
      description:
        'Whether each service runs as an operating-system user of its own, isolated from the server and from other services.',
      resolve: ({ facts }) => facts.unwalled === undefined,
    }),
    unwalledReason: t.string({
      nullable: true,
      description:
        'Why services are not isolated. Null where they are. Without isolation, everyone who may deploy must be trusted with the whole server.',
      resolve: ({ facts }) => facts.unwalled ?? null,
    }),
  }),
})

builder.queryField('runtimes', (t) =>
  t.field({
    type: [RuntimeInfoType],
    description:
      'Returns the kinds of programs that this server can run, and whether it isolates them. Requires a credential.',
    resolve: (_root, _args, { viewer, runtime }) => {
      requireCredential(viewer)
      return runtime.languages.map((language) => ({ ...language, facts: runtime }))
    },
  }),
)
