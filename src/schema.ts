import './graph/scalars.ts'
import './graph/node.ts'
import './graph/errors.ts'
import './organizations/schema.ts'
import './projects/schema.ts'
import './tokens/schema.ts'
import './uploads/schema.ts'
import './logs/schema.ts'
import './deployments/schema.ts'
import './services/schema.ts'
import './traffic/schema.ts'
import './usage/schema.ts'
import './search/schema.ts'
import './activities/schema.ts'
import './server/schema.ts'
import { builder } from './builder.ts'

/** The whole API. */
export const schema = builder.toSchema()
