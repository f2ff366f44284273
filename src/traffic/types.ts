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
  `Milliseconds within which ${share} of the calls that reached an instance had ended, accurate to 10 %. Null when there were none.`

const TrafficType = builder.objectRef<Step>('Traffic').implement({
  description: 'Calls of a service that ended in one interval, over all servers.',
  fields: (t) => ({
    at: t.field({
      type: 'DateTime',
      description: 'Start of the interval.',
      resolve: ({ at }) => at,
    }),
    requests: t.field({
      type: 'SafeInt',
      description: 'Number of calls that ended.',
      resolve: ({ requests }) => requests,
    }),
    errors: t.field({
      type: 'SafeInt',
      description:
        'Number of calls that failed: the status was 500 or higher, the response was interrupted or late, or there was no instance. Calls that the caller aborted are not included.',
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
      description: 'Highest number of calls in flight at one time.',
    }),
    instances: t.exposeInt('instances', {
      description: 'Highest number of ready instances while the service was called.',
    }),
  }),
})

// the services' own types know nothing of what is counted about them
builder.objectField(ProcessServiceType, 'traffic', (t) =>
  t.field({
    type: [TrafficType],
    description: `Calls of the service in successive intervals, including intervals without calls. The last seconds may be missing. At most ${MAX_STEPS} intervals.`,
    args: {
      at: t.arg({
        type: TimeRangeInput,
        required: true,
        description:
          'Range of time. It starts with the whole minute that contains `from`. Default of `to`: now.',
      }),
      stepSeconds: t.arg.int({
        defaultValue: 60,
        description: 'Length of an interval in seconds, a multiple of 60.',
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
