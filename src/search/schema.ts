/** Search: everything that has a name, found by it. Concepts say of their types that they are searchable. */
import './queries.ts'
