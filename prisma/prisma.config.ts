import { join } from 'node:path'
import { defineConfig } from 'prisma/config'

// For Prisma's command line, such as `prisma migrate deploy --config prisma/prisma.config.ts`. Paths are
// relative to this file.
export default defineConfig({
  schema: join(import.meta.dirname, 'schema'),
  migrations: { path: join(import.meta.dirname, 'migrations') },
  datasource: { url: process.env['DATABASE_URL'] ?? '' },
})
