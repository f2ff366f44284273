import './types.ts'
import './mutations.ts'
import './search.ts'
