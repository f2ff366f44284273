import { builder } from '../builder.ts'
import { TimeRangeInput } from '../graph/time-range.ts'
import { ProcessServiceType } from '../services/index.ts'
import { quantileMs, type Histogram } from './histogram.ts'
import { MAX_STEPS, stepsOf } from './steps.ts'
import { trafficOf, type Counted } from './store.ts'

type Step = Omit<Counted, 'step'> & { readonly at: Date }

const nothing = {
  requests: 0n,
  errors: 0n,
  maxInFlight: 0,
  instances: 0,
  buckets: [],
  counts: [],
} as const

const quantile = (share: number) => (step: Histogram) => quantileMs(step, share)
const within = (share: string): string =>
  `Milliseconds within which ${share} of the calls that reached an instance had ended, at most 10 % off; null when there were none.`

const TrafficType = builder.objectRef<Step>('Traffic').implement({
  description:
    'Calls of a service in one step of time, over all servers, by the minute in which they ended.',
  fields: (t) => ({
    at: t.field({
      type: 'DateTime',
      description: 'When the step begins.',
      resolve: ({ at }) => at,
    }),
    requests: t.field({
      type: 'SafeInt',
      description: 'How many calls ended.',
      resolve: ({ requests }) => requests,
    }),
    errors: t.field({
      type: 'SafeInt',
      description:
        'Those of them that were answered with a status of 500 or more, broke off, were not answered in time, or found no instance. A caller that hangs up is none.',
      resolve: ({ errors }) => errors,
    }),
    p50Ms: t.float({
      nullable: true,
      description: within('half'),
      resolve: quantile(0.5),
    }),
    p95Ms: t.float({ nullable: true, description: within('95 %'), resolve: quantile(0.95) }),
    p99Ms: t.float({ nullable: true, description: within('99 %'), resolve: quantile(0.99) }),
    maxInFlight: t.exposeInt('maxInFlight', {
      description: 'The most calls that were being answered at once.',
    }),
    instances: t.exposeInt('instances', {
      description: 'The most instances that were ready while it was called.',
    }),
  }),
})

// the services' own types know nothing of what is counted about them
builder.objectField(ProcessServiceType, 'traffic', (t) =>
  t.field({
    type: [TrafficType],
    description: `Its calls, step by step, those without calls too; the last seconds may be missing. At most ${MAX_STEPS} steps.`,
    args: {
      at: t.arg({
        type: TimeRangeInput,
        required: true,
        description:
          'When. It begins with the whole minute that `from` falls into; without `to` it ends now.',
      }),
      stepSeconds: t.arg.int({
        defaultValue: 60,
        description: 'Length of a step: a multiple of 60.',
      }),
    },
    resolve: async ({ id }, { at, stepSeconds }, ctx) => {
      const steps = stepsOf(at, stepSeconds ?? 60, ctx.now())
      const counted = await trafficOf(ctx).load({ serviceId: id, steps })
      const byStep = new Map(counted.map((one) => [one.step, one]))
      return Array.from({ length: steps.count }, (_, step) => ({
        ...(byStep.get(step) ?? nothing),
        at: new Date(steps.fromMs + step * steps.stepMs),
      }))
    },
  }),
)
