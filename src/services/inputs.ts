import { z } from 'zod'
import { builder } from '../builder.ts'
import { EnvironmentVariableInput, environmentRule } from '../deployments/index.ts'
import { handleRule, nameRule, textRule } from '../kit/names.ts'
import { MAX_INSTANCES } from './service.ts'

export const ScaleInput = builder.inputType('ScaleInput', {
  description: 'How many processes.',
  fields: (t) => ({ desired: t.int({ description: `How many: 1 to ${MAX_INSTANCES}.` }) }),
})

const ProcessInput = builder.inputType('ProcessInput', {
  description: 'What to run and how.',
  fields: (t) => ({
    versionId: t.id({ required: true, description: 'The version to run: id or address.' }),
    scale: t.field({ type: ScaleInput, description: 'How many processes; one when absent.' }),
    instanceType: t.string({
      description: 'Size of its processes; told, not enforced, by the process runtime.',
    }),
    environment: t.field({
      type: [EnvironmentVariableInput],
      description:
        'Variables of this service; they win over those of the version and the deployment.',
    }),
  }),
})

export const ServiceBackendInput = builder.inputType('ServiceBackendInput', {
  description: 'What a service is; exactly one.',
  isOneOf: true,
  fields: (t) => ({
    process: t.field({ type: ProcessInput, description: 'A version, run as processes.' }),
  }),
})

export const scaleRule = z.object({
  desired: z
    .int('A whole number.')
    .min(1, 'At least 1.')
    .max(MAX_INSTANCES, `At most ${MAX_INSTANCES}.`)
    .nullish(),
})

const backendRule = z.object({
  process: z
    .object({
      scale: scaleRule.nullish(),
      instanceType: z
        .string()
        .regex(/^[A-Za-z0-9:,._-]{1,50}$/, 'A size such as "cpu-1".')
        .nullish(),
      environment: environmentRule,
    })
    .nullish(),
})

export const createRule = z.object({
  name: nameRule,
  handle: handleRule.nullish(),
  description: textRule.nullish(),
  backend: backendRule,
})

export const updateRule = z.object({
  name: nameRule.nullish(),
  description: textRule.nullish(),
  backend: backendRule.nullish(),
})
