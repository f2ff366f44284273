/** Server: what this server is and can do. */
import './queries.ts'
import './runtimes.ts'
