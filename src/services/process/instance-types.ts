import { requireCredential } from '../../auth/viewer.ts'
import { builder } from '../../builder.ts'
import { instanceTypes, type InstanceType } from './instance-type.ts'

const InstanceTypeType = builder.objectRef<InstanceType>('InstanceType').implement({
  description:
    'A size of processes. The process runtime stores and returns the size but does not enforce it: each process can use what the machine has, and no GPUs.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the instance type.' }),
    description: t.exposeString('description', { description: 'Description for people.' }),
    cpu: t.exposeFloat('cpu', { description: 'Number of processors.' }),
    memoryBytes: t.field({
      type: 'SafeInt',
      description: 'Memory in bytes.',
      resolve: ({ memoryBytes }) => memoryBytes,
    }),
  }),
})

builder.queryField('instanceTypes', (t) =>
  t.field({
    type: [InstanceTypeType],
    description:
      'Returns the sizes of processes, smallest first. Other numbers are accepted too: `cpu-3`, `gpu-1`, `gpu:b-2`.',
    resolve: (_root, _args, { viewer }) => {
      requireCredential(viewer)
      return [...instanceTypes]
    },
  }),
)
