/**
 * How V8 runs the servers of tests: WebAssembly (the embedded database, Prisma's compiler of queries) is compiled once
 * and quickly. To compile it again for speed takes a second of a processor for each server, and the few statements of a
 * test file never earn it back.
 */
export const engineFlags = ['--liftoff-only']
