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
    'Number of processes of a service. Absent fields keep their values; null sets a field to its default.',
  fields: (t) => ({
    desired: t.int({
      description: `Number of processes, up to ${MAX_INSTANCES}. Default: 1. 0 is allowed with \`autoscale\` only. A value outside \`min\` and \`max\` moves the bound that it crosses, unless the bound is given too.`,
    }),
    min: t.int({
      description:
        'Smallest number of processes under autoscale. Default: 1. With 0 the service stops its processes while nobody calls it; the next request waits for a process to start.',
    }),
    max: t.int({
      description: `Largest number of processes under autoscale, up to ${MAX_INSTANCES}. Default: \`desired\`.`,
    }),
    autoscale: t.boolean({
      description:
        'Whether the number of processes follows the number of requests in flight, between `min` and `max`. Default: false.',
    }),
    targetInFlight: t.int({
      description: `Target number of requests in flight per process, for autoscale. Default: ${TARGET_IN_FLIGHT}.`,
    }),
  }),
})

const ProcessInput = builder.inputType('ProcessInput', {
  description: 'Settings of a service of processes.',
  fields: (t) => ({
    versionId: t.id({
      description:
        'Version to run: ID or address. Required to create a service. Default for an update: the present version.',
    }),
    scale: t.field({ type: ScaleInput, description: 'Number of processes. Default: one.' }),
    instanceType: t.string({
      description:
        'Name of an instance type (see `instanceTypes`), which is the size of each process. Default: `cpu-1`. The process runtime stores and returns the size but does not enforce it, so a change restarts nothing.',
    }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description:
        'Environment variables of this service. They override those of the version and of the deployment.',
    }),
    cors: t.field({
      type: CorsPolicyInput,
      description:
        'Pages of other origins that may call the service from a browser. Default and null: none.',
    }),
    clearEnvironment: t.boolean({
      defaultValue: false,
      description:
        'Whether to remove the variables of this service that `environment` does not list.',
    }),
  }),
})

const FunctionInput = builder.inputType('ServiceFunctionInput', {
  description: 'A function that jobs call, with the schemas of its parameters and results.',
  fields: (t) => ({
    name: t.string({
      defaultValue: 'default',
      description: 'Name of the function, unique in the service.',
    }),
    description: t.string({ defaultValue: '', description: 'Description for people.' }),
    parametersSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema for the parameters of every job. Default: any value.',
    }),
    resultSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema for the results. Default: any value.',
    }),
    draft: t.field({
      type: SchemaDraftType,
      description:
        'JSON Schema draft of both schemas, regardless of their `$schema`. Default: the draft that each schema names in `$schema`, and 2020-12 for a schema that names none.',
    }),
  }),
})

const QueueInput = builder.inputType('QueueInput', {
  description: 'A queue whose jobs are executed by workers.',
  fields: (t) => ({
    functions: t.field({
      type: [FunctionInput],
      description: `Functions that jobs can call: 1 to ${MAX_FUNCTIONS}. Required to create a queue. Default for an update: the present functions.`,
    }),
    concurrency: t.int({
      description: 'Number of jobs that may run at the same time. Null: no limit.',
    }),
    timeoutSeconds: t.int({
      description: `Seconds without a check-in after which the queue counts as timed out. Default: ${TIMEOUT_SECONDS}.`,
    }),
  }),
})

export const ServiceBackendInput = builder.inputType('ServiceBackendInput', {
  description: 'Kind of a service with its settings. Exactly one field must be given.',
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
