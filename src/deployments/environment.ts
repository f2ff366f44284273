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
  description:
    'Layer that a variable of a service comes from. Of two layers with the same name, the later one in this order wins: DEPLOYMENT, VERSION, SERVICE.',
  values: {
    DEPLOYMENT: { description: 'Set on the deployment.' },
    VERSION: { description: 'A parameter of the version.' },
    SERVICE: { description: 'Set on the service.' },
  } as const,
})

export const EnvironmentVariableType = builder
  .objectRef<LayeredVariable>('EnvironmentVariable')
  .implement({
    description: 'An environment variable and the layer that it comes from.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Name of the variable.' }),
      value: t.string({
        nullable: true,
        description: 'Value of the variable. Null for a secret that is not revealed.',
        args: {
          reveal: t.arg.boolean({
            defaultValue: false,
            description:
              'Whether to return the values of secrets. Requires the DEVELOPER role. The history records it, at most once a minute for each actor and secret.',
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
      isSecret: t.exposeBoolean('isSecret', {
        description: 'Whether the value is hidden from readers.',
      }),
      source: t.field({
        type: EnvironmentSourceType,
        description: 'Layer that the variable comes from.',
        resolve: ({ source }) => source,
      }),
    }),
  })

export const EnvironmentVariableInput = builder.inputType('EnvironmentVariableInput', {
  description: 'Sets or removes one environment variable.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Name of the variable: letters, digits and `_`, not starting with a digit.',
    }),
    value: t.string({
      description: 'Value of the variable. Default: null, which removes the variable.',
    }),
    isSecret: t.boolean({
      defaultValue: false,
      description: 'Whether to hide the value from readers.',
    }),
  }),
})
