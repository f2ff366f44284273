import { requireCredential } from '../../auth/viewer.ts'
import { builder } from '../../builder.ts'
import { instanceTypes, type InstanceType } from './instance-type.ts'

const InstanceTypeType = builder.objectRef<InstanceType>('InstanceType').implement({
  description:
    'A size of processes. The process runtime keeps and tells it, and gives each process what the machine has; nothing here gives GPUs.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'By which a service is given it.' }),
    description: t.exposeString('description', { description: 'For people.' }),
    cpu: t.exposeFloat('cpu', { description: 'Processors.' }),
    memoryBytes: t.field({
      type: 'SafeInt',
      description: 'Memory.',
      resolve: ({ memoryBytes }) => memoryBytes,
    }),
  }),
})

builder.queryField('instanceTypes', (t) =>
  t.field({
    type: [InstanceTypeType],
    description:
      'Sizes of processes, the smallest first. Other numbers are taken too: `cpu-3`, `gpu-1`, `gpu:b-2`.',
    resolve: (_root, _args, { viewer }) => {
      requireCredential(viewer)
      return [...instanceTypes]
    },
  }),
)
