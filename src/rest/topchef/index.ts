/** TopChef (contract topchef): the job broker of a lab, as its Python, Java and MATLAB clients and plain scripts call it. */
import type { Protocol } from '../protocol.ts'
import { echo } from './echo.ts'
import { tell } from './errors.ts'
import { info } from './info.ts'
import { jobRoutes } from './jobs.ts'
import { queueRoutes } from './queue.ts'
import { schemas } from './schemas.ts'
import { serviceRoutes } from './services.ts'
import { validatorRoutes } from './validator.ts'

export const protocol: Protocol = {
  routes: [info, echo, ...serviceRoutes, ...jobRoutes, ...queueRoutes, ...validatorRoutes],
  atRoot: [],
  tell,
  overridesMethod: true,
  tellsMethods: true,
  api: {
    title: 'Millrace for clients of TopChef',
    description:
      'Services, jobs and their queues as the clients of TopChef call them. Credentials are tokens of Millrace: a bearer token, or the password in the base URL. X-HTTP-Method-Override replaces the method.',
    version: '0.2',
    dialect: '3.0.3',
    path: '/openapi.json',
    schemas,
    failure: 'Failure',
    security: ['basic', 'bearer'],
  },
}
