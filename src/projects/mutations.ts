import { z } from 'zod'
import { annotationField, namingFields } from '../addresses/index.ts'
import { mutation } from '../graph/mutation.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import { handleRule, nameRule } from '../kit/names.ts'
import { ProjectId } from '../organizations/index.ts'
import { createProject, deleteProject, updateProject } from './actions.ts'
import { projects } from './project.ts'
import { ProjectType } from './types.ts'

mutation('createProject', {
  description: 'Makes a project.',
  input: (t) => ({
    name: t.string({ required: true, description: 'For people; need not be unique.' }),
    organizationId: t.id({ description: 'Where; needed when the caller is a member of several.' }),
    handle: t.string({
      description: 'Unique in the organization; made from the name when absent.',
    }),
    ...namingFields(t),
  }),
  check: z.object({ name: nameRule, handle: handleRule.nullish() }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ project: await createProject(ctx, input) }),
  again: async (ctx, id) => ({ project: await projects.changedBefore(ctx, id) }),
  success: (t) => ({
    project: t.field({
      type: ProjectType,
      description: 'The new project.',
      resolve: ({ project }) => project,
    }),
  }),
})

mutation('updateProject', {
  description: 'Renames a project; its handle stays.',
  input: (t) => ({
    id: t.id({ required: true, description: 'Which: id, handle or address.' }),
    name: t.string({ description: 'For people.' }),
    ...annotationField(t),
  }),
  check: z.object({ name: nameRule.nullish() }),
  errors: [Conflict],
  resolve: async (ctx, input) => ({ project: await updateProject(ctx, input) }),
  again: async (ctx, id) => ({ project: await projects.changedBefore(ctx, id) }),
  success: (t) => ({
    project: t.field({
      type: ProjectType,
      description: 'The project as it is now.',
      resolve: ({ project }) => project,
    }),
  }),
})

mutation('deleteProject', {
  description: 'Deletes a project and ends the tokens that are good for it alone; `default` stays.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which: id, handle or address.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ project: await deleteProject(ctx, input) }),
  again: async (ctx, id) => ({ project: await projects.changedBefore(ctx, id) }),
  success: (t) => ({
    deletedId: t.id({
      description: 'Its canonical id, for caches.',
      resolve: ({ project }) => ProjectId.text(project.id),
    }),
    project: t.field({
      type: ProjectType,
      description: 'The project as it last was.',
      resolve: ({ project }) => project,
    }),
  }),
})
