import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MigrationList } from '@prisma/schema-engine-wasm'

/** `prisma/` beside `src/` and beside `dist/`. */
export const prismaFolder = fileURLToPath(new URL('../../prisma/', import.meta.url))
export const migrationsFolder = join(prismaFolder, 'migrations')

/** A folder of prisma/migrations. */
export interface Migration {
  readonly name: string
  readonly script: string
}

/** All migrations we know, oldest first. */
export async function readMigrations(folder = migrationsFolder): Promise<readonly Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      script: await readFile(join(folder, name, 'migration.sql'), 'utf8'),
    })),
  )
}

/** What Prisma stores beside an applied migration. */
export function checksum(script: string): string {
  return createHash('sha256').update(script).digest('hex')
}

/** The migrations as Prisma's engine wants them. */
export function migrationList(folder: string, migrations: readonly Migration[]): MigrationList {
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: LOCKFILE },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: script } },
    })),
  }
}

/** Prisma's mark of the dialect that the migrations are written in. */
export const LOCKFILE = 'provider = "postgresql"\n'
export const NOTHING_EXTERNAL = { externalTables: [], externalEnums: [] }
