import { builder } from '../builder.ts'
import type { Variable } from '../kit/environment.ts'
import { recordReveal } from './reveal.ts'

type EnvironmentSource = 'DEPLOYMENT' | 'VERSION' | 'SERVICE'

/** A variable, the layer it comes from, and the object whose secrets a reveal is recorded for. */
export interface LayeredVariable extends Variable {
  readonly source: EnvironmentSource
  readonly organizationId: string
  /** Noun and UUID, as the audit writes it. */
  readonly subject: string
}

const EnvironmentSourceType = builder.enumType('EnvironmentSource', {
  description: 'Layers of an environment, later ones win.',
  values: {
    DEPLOYMENT: { description: 'Set on the deployment.' },
    VERSION: { description: 'A parameter of the version.' },
    SERVICE: { description: 'Set on the service.' },
  } as const,
})

export const EnvironmentVariableType = builder
  .objectRef<LayeredVariable>('EnvironmentVariable')
  .implement({
    description:
      "One variable and the layer it comes from; a secret's value is null unless revealed (DEVELOPER, audited).",
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Its name.' }),
      value: t.string({
        nullable: true,
        description: 'Its value; null for a secret that is not revealed.',
        args: {
          reveal: t.arg.boolean({
            defaultValue: false,
            description:
              'Show a secret. Needs DEVELOPER and is audited: once a minute for each actor and secret.',
          }),
        },
        resolve: async (variable, { reveal }, ctx) => {
          if (!variable.isSecret) return variable.value
          if (!reveal) return null
          const { organizationId, subject, name, value } = variable
          await recordReveal(ctx, { organizationId, subject, field: `environment.${name}` })
          return value
        },
      }),
      isSecret: t.exposeBoolean('isSecret', { description: 'Whether its value is hidden.' }),
      source: t.field({
        type: EnvironmentSourceType,
        description: 'The layer it comes from.',
        resolve: ({ source }) => source,
      }),
    }),
  })

export const EnvironmentVariableInput = builder.inputType('EnvironmentVariableInput', {
  description: 'Sets one variable; a null value removes it.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Letters, digits and `_`, not beginning with a digit.',
    }),
    value: t.string({ description: 'Its value; null removes the variable.' }),
    isSecret: t.boolean({
      defaultValue: false,
      description: 'Whether to hide its value from readers.',
    }),
  }),
})
