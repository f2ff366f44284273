import './types.ts'
import './queries.ts'
import './mutations.ts'
import './labor-mutations.ts'
