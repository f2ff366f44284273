import { ValidationError } from '../../kit/errors.ts'

/** A size of processes. */
export interface InstanceType {
  readonly name: string
  readonly description: string
  readonly cpu: number
  readonly memoryBytes: number
}

/** Those that are offered, the smallest first. */
const NAMES = [
  'cpu-0.25',
  'cpu-1',
  'cpu-2',
  'cpu-4',
  'cpu-8',
  'cpu-16',
  'gpu:a-1',
  'gpu:b-1',
  'gpu:b-4',
  'gpu:b-8',
] as const

/** The form of their names (contract abeja 3). */
const NAME = /^(cpu|gpu(?::([a-d]))?)-(\d+(?:\.\d+)?)$/
const MAX_NAME = 100
const GIB_PER_CPU = 4
const CPUS_PER_GPU = 4
const GIB = 1024 ** 3

const isName = (text: string): boolean => text.length <= MAX_NAME && NAME.test(text)

function instanceTypeNamed(name: string): InstanceType {
  const [, kind = '', category, number] = NAME.exec(name) ?? []
  const count = Number(number)
  const isGpu = kind !== 'cpu'
  const cpu = isGpu ? count * CPUS_PER_GPU : count
  const gib = cpu * GIB_PER_CPU
  const parts = [...(isGpu ? [many(count, 'GPU')] : []), many(cpu, 'CPU'), `${gib} GiB of memory`]
  const ofCategory = category === undefined ? '' : `, category ${category.toUpperCase()}`
  const description = `${parts.join(', ')}${ofCategory}`
  return { name, description, cpu, memoryBytes: Math.round(gib * GIB) }
}

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

export const instanceTypes: readonly InstanceType[] = NAMES.map(instanceTypeNamed)

/** The size that is asked for, else the one there is, which may be of a time when any was taken. Throws ValidationError. */
export function sizeOf(asked: string | null | undefined, now: string): string {
  if (asked == null || asked === now || isName(asked)) return asked ?? now
  throw new ValidationError([
    {
      path: ['backend', 'process', 'instanceType'],
      message: `There is no such size. There are ${NAMES.join(', ')}, and others of the forms cpu-<number>, gpu-<number> and gpu:<a to d>-<number>.`,
    },
  ])
}
