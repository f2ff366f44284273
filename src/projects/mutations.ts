import { z } from 'zod'
import { annotationField, namingFields } from '../addresses/index.ts'
import type { Context } from '../context.ts'
import { mutation, shows } from '../graph/mutation.ts'
import { Conflict, WrongState } from '../kit/errors.ts'
import { handleRule, nameRule } from '../kit/names.ts'
import { ProjectId } from '../organizations/index.ts'
import { createProject, deleteProject, updateProject } from './actions.ts'
import { projects } from './project.ts'
import { ProjectType } from './types.ts'

const again = async (ctx: Context, id: string) => ({
  project: await projects.changedBefore(ctx, id),
})
const asProject = shows('project', ProjectType)

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
  again,
  success: asProject('The new project.'),
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
  again,
  success: asProject('The project as it is now.'),
})

mutation('deleteProject', {
  description: 'Deletes a project and ends the tokens that are good for it alone; `default` stays.',
  input: (t) => ({ id: t.id({ required: true, description: 'Which: id, handle or address.' }) }),
  errors: [WrongState],
  resolve: async (ctx, input) => ({ project: await deleteProject(ctx, input) }),
  again,
  success: (t) => ({
    deletedId: t.id({
      description: 'Its canonical id, for caches.',
      resolve: ({ project }) => ProjectId.text(project.id),
    }),
    ...asProject('The project as it last was.')(t),
  }),
})
