import type { Command } from 'commander'
import { answering, isJson } from './command.ts'
import { answer, note } from './output.ts'
import { Refusal } from './refusal.ts'
import { inWords, settings } from './serve.ts'

/** `migrate`: brings the database to what this version needs, which `serve` does too when it starts. */
export function addMigrate(program: Command): void {
  answering(program.command('migrate'))
    .description('update the database to the schema of this version')
    .action(async (_options: unknown, command: Command) => {
      const applied = await migrate()
      answer(isJson(command), { applied }, () =>
        applied.length === 0
          ? 'The database is up to date.'
          : applied.map((name) => `Applied ${name}.`).join('\n'),
      )
    })
}

/** The names of the migrations that were applied. */
async function migrate(): Promise<string[]> {
  const { config } = await settings()
  const { DataFolderInUse, lockDataFolder } = await import('../db/data-folder.ts')
  const { openDatabase } = await import('../db/open.ts')
  const { applyMigrations, MigrationRefused } = await import('../db/migrate.ts')
  const { databaseUrl: url, dataDir } = config
  const log = { info: () => {}, warn: note, error: note }
  const applied: string[] = []
  try {
    const lock = url === undefined ? await lockDataFolder(dataDir) : undefined
    try {
      const db = await openDatabase({ url, dataDir, log })
      try {
        await applyMigrations(db, {
          ...log,
          info: (message) =>
            applied.push(/^Migration (\S+) is applied/.exec(message)?.[1] ?? message),
        })
      } finally {
        await db.close()
      }
    } finally {
      await lock?.release()
    }
  } catch (error) {
    if (error instanceof DataFolderInUse || error instanceof MigrationRefused)
      throw new Refusal(error.message, { cause: error })
    throw inWords(error, config)
  }
  return applied
}
