import { FrontType } from '../addresses/index.ts'
import { requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { machines, StateMachineType } from '../graph/machine.ts'
import { version } from '../kit/version.ts'
import { frontNames } from '../rest/fronts.ts'

const ServerInfoType = builder.objectRef<{ readonly version: string }>('ServerInfo').implement({
  description: 'Facts about this server.',
  fields: (t) => ({
    version: t.exposeString('version', { description: 'Version of Millrace, such as `0.1.0`.' }),
    fronts: t.field({
      type: [FrontType],
      description: 'Fronts that this server offers: older APIs whose clients it serves.',
      resolve: () => frontNames,
    }),
    stateMachines: t.field({
      type: [StateMachineType],
      description: 'State machines: the states of each type and the transitions between them.',
      resolve: () => [...machines.values()],
    }),
  }),
})

builder.queryField('serverInfo', (t) =>
  t.field({
    type: ServerInfoType,
    description:
      'Returns the version, fronts and state machines of this server. Requires a credential.',
    resolve: (_root, _args, { viewer }) => {
      requireCredential(viewer)
      return { version: version() }
    },
  }),
)
