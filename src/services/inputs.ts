import { z } from 'zod'
import { builder } from '../builder.ts'
import { EnvironmentVariableInput, environmentRule } from '../deployments/index.ts'
import { jsonRule } from '../kit/json/rule.ts'
import { handleRule, isVisible, NOT_VISIBLE, textRule } from '../kit/names.ts'
import { CorsPolicyInput, corsRule } from './process/cors.ts'
import { functionNameRule, MAX_FUNCTIONS, TIMEOUT_SECONDS } from './functions.ts'
import { SchemaDraftType } from './queue/types.ts'
import { MAX_INSTANCES, MAX_TARGET_IN_FLIGHT, TARGET_IN_FLIGHT } from './process/scale.ts'

export const ScaleInput = builder.inputType('ScaleInput', {
  description:
    'How many processes. What is absent stays; null goes back to what it is when nothing is said.',
  fields: (t) => ({
    desired: t.int({
      description: `How many: up to ${MAX_INSTANCES}; 1 when nothing is said, 0 with autoscale only. Given without a bound it moves the one it crosses.`,
    }),
    min: t.int({
      description:
        'Fewest that autoscale leaves; 1 when nothing is said. With 0 the service sleeps when nobody calls, and the first request waits for a process.',
    }),
    max: t.int({
      description: `Most that autoscale makes, up to ${MAX_INSTANCES}; as many as desired when nothing is said.`,
    }),
    autoscale: t.boolean({
      description:
        'Whether the number of processes follows the requests in flight between min and max; false when nothing is said.',
    }),
    targetInFlight: t.int({
      description: `Requests in flight per process that autoscale aims at; ${TARGET_IN_FLIGHT} when nothing is said.`,
    }),
  }),
})

const ProcessInput = builder.inputType('ProcessInput', {
  description: 'What to run and how.',
  fields: (t) => ({
    versionId: t.id({
      description:
        'The version to run: id or address. Needed to make a service; a service keeps its own when absent.',
    }),
    scale: t.field({ type: ScaleInput, description: 'How many processes; one when absent.' }),
    instanceType: t.string({
      description:
        'Size of its processes: one of `instanceTypes`; `cpu-1` when nothing is said. The process runtime keeps and tells it, and does not heed it: a change restarts nothing there.',
    }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description:
        'Variables of this service; they win over those of the version and the deployment.',
    }),
    cors: t.field({
      type: CorsPolicyInput,
      description:
        'Which pages of other origins may call it from a browser: none when nothing is said, and when null.',
    }),
    clearEnvironment: t.boolean({
      defaultValue: false,
      description: 'Remove the variables of this service that are not among these.',
    }),
  }),
})

const FunctionInput = builder.inputType('ServiceFunctionInput', {
  description: 'A callable function and its contract.',
  fields: (t) => ({
    name: t.string({ defaultValue: 'default', description: 'Unique in the service.' }),
    description: t.string({ defaultValue: '', description: 'For people.' }),
    parametersSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema that the parameters of every job must fit; anything when absent.',
    }),
    resultSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema that results must fit; anything when absent.',
    }),
    draft: t.field({
      type: SchemaDraftType,
      description:
        'The draft to read its schemas by, whatever they name by `$schema`. When absent, the draft that each names; 2020-12 for one that names none.',
    }),
  }),
})

const QueueInput = builder.inputType('QueueInput', {
  description: 'A queue for workers.',
  fields: (t) => ({
    functions: t.field({
      type: [FunctionInput],
      description: `What can be called: 1 to ${MAX_FUNCTIONS}. Needed to make a queue; a queue keeps its own when absent.`,
    }),
    concurrency: t.int({
      description: 'How many of its jobs may run at once; null for any number.',
    }),
    timeoutSeconds: t.int({
      description: `When its workers are silent for so long it has timed out; ${TIMEOUT_SECONDS} when nothing is said.`,
    }),
  }),
})

export const ServiceBackendInput = builder.inputType('ServiceBackendInput', {
  description: 'What a service is; exactly one.',
  isOneOf: true,
  fields: (t) => ({
    process: t.field({ type: ProcessInput, description: 'A version, run as processes.' }),
    queue: t.field({ type: QueueInput, description: 'A queue that workers serve.' }),
  }),
})

const whole = (least: number, most: number) =>
  z.int('A whole number.').min(least, `At least ${least}.`).max(most, `At most ${most}.`).nullish()

export const scaleRule = z.object({
  desired: whole(0, MAX_INSTANCES),
  min: whole(0, MAX_INSTANCES),
  max: whole(1, MAX_INSTANCES),
  targetInFlight: whole(1, MAX_TARGET_IN_FLIGHT),
})

const backendRule = z.object({
  process: z
    .object({
      scale: scaleRule.nullish(),
      environment: environmentRule,
      cors: corsRule,
    })
    .nullish(),
  queue: z
    .object({
      functions: z
        .array(
          z.object({
            name: functionNameRule.nullish(),
            description: textRule.nullish(),
            parametersSchema: jsonRule,
            resultSchema: jsonRule,
          }),
        )
        .min(1, 'At least one function.')
        .max(MAX_FUNCTIONS, `At most ${MAX_FUNCTIONS} functions.`)
        .refine(
          (list) => new Set(list.map(({ name }) => name ?? 'default')).size === list.length,
          'Each function has a name of its own.',
        )
        .nullish(),
      concurrency: z.int().min(1, 'At least 1.').max(100_000, 'At most 100,000.').nullish(),
      timeoutSeconds: z.int().min(1, 'At least 1.').max(31_536_000, 'At most a year.').nullish(),
    })
    .nullish(),
})

/** A lab calls its queue what it likes, also nothing at all (contract topchef 5); other services have proper names. */
const serviceNameRule = textRule.refine(isVisible, NOT_VISIBLE)

export const createRule = z.object({
  name: serviceNameRule.nullish(),
  handle: handleRule.nullish(),
  description: textRule.nullish(),
  backend: backendRule,
})

export const updateRule = z.object({
  name: serviceNameRule.nullish(),
  description: textRule.nullish(),
  backend: backendRule.nullish(),
})
