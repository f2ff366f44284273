/** Activities: the history of an organization, which every mutation adds to. */
import './types.ts'
import './queries.ts'
