import { FrontType } from '../addresses/index.ts'
import { requireCredential } from '../auth/viewer.ts'
import { builder } from '../builder.ts'
import { machines, StateMachineType } from '../graph/machine.ts'
import { version } from '../kit/version.ts'
import { frontNames } from '../rest/fronts.ts'

const ServerInfoType = builder.objectRef<{ readonly version: string }>('ServerInfo').implement({
  description: 'This server.',
  fields: (t) => ({
    version: t.exposeString('version', { description: 'Version of Millrace.' }),
    fronts: t.field({
      type: [FrontType],
      description: 'The old systems whose clients it serves.',
      resolve: () => frontNames,
    }),
    stateMachines: t.field({
      type: [StateMachineType],
      description: 'The states of its objects and the moves between them, one machine for a type.',
      resolve: () => [...machines.values()],
    }),
  }),
})

builder.queryField('serverInfo', (t) =>
  t.field({
    type: ServerInfoType,
    description: 'Version, fronts, state machines. Needs a credential.',
    resolve: (_root, _args, { viewer }) => {
      requireCredential(viewer)
      return { version: version() }
    },
  }),
)
